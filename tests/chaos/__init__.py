"""What no crash, cut or stop may do: a matrix of component, fault and moment, played on real processes."""
