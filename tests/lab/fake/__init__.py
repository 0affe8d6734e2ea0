"""What every fake of the lab stands on.

`process` starts one: a TLS `server` takes a request off the wire, `journal` notes it, `faults` may spoil it, and the
`service` whose host it is for answers it. Records are kept by `zones` in a real PowerDNS (`powerdns`); `control` is how
a test steers it all.
"""
