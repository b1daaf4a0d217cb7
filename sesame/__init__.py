"""Sésame: an open youth card and subsidy payment system."""
