"""GAN-based adversarial style transfer, with the classical Gatys optimisation as its baseline."""

__version__ = "0.1.0"
