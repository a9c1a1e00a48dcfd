"""Where vectors are searched: one small protocol, four backends."""
