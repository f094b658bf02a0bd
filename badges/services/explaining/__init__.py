"""Answers to "why?" (S38): what a learner has done for a badge, what is missing, and what an event does about it."""

from badges.services.explaining.model import Explanation
from badges.services.explaining.standing import explain

__all__ = ["Explanation", "explain"]
