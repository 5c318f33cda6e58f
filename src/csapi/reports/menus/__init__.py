"""The menus of a help desk: fixed questions about conversations and about those who have them."""
