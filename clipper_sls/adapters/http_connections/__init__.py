"""HTTP/1.1 connections kept to a server, for all families that ask one; knows none of them."""
