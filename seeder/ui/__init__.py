"""The pages: server-rendered, no JavaScript, nothing from elsewhere."""
