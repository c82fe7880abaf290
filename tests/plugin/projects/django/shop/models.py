"""Customers and what they have ordered."""

from django.db import models


class Customer(models.Model):
    """Somebody who buys."""

    name = models.CharField(max_length=60)
    email = models.EmailField(unique=True)


class Order(models.Model):
    """What a customer buys at one time."""

    class Status(models.TextChoices):
        """How far an order has come."""

        OPEN = "open"
        PAID = "paid"
        SHIPPED = "shipped"

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT)
    number = models.CharField(max_length=20, unique=True)
    status = models.CharField(max_length=10, choices=Status)
    placed_at = models.DateTimeField(auto_now_add=True)
    total = models.DecimalField(max_digits=8, decimal_places=2)

    class Meta:
        """What the database checks."""

        constraints = [models.CheckConstraint(condition=models.Q(total__gte=0), name="total_is_not_negative")]
