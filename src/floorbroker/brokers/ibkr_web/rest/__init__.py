"""Requests and their answers, contracts, the brokerage session, and the sending of orders with its questions."""
