"""The fake of the four cloud DNS APIs. `../cloud.py` starts it and says what it answers.

`server` takes a request off the wire, `journal` notes it, `faults` may spoil it, and one of the vendors answers it:
`cloudflare`, `route53` (with `sts`), `azure` (with `entra`) or `google` (with `google_token`). A vendor authenticates
with its own library, checks the request with its own description (`*_description`), and reads and writes records by
`zones`, which keeps them in PowerDNS (`powerdns`).
"""
