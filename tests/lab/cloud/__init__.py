"""The services of `../cloud.py`, which says what they answer.

A service authenticates with the vendor's own library, checks the request with the vendor's own description
(`*_description`), and only then looks at what is asked for.
"""
