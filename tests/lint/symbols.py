"""The supervisor links no protocol parser, no TLS and no code of worker/, proto/ or app/: looked up with nm.

    symbols.py NM PROGRAM OTHER_PROGRAM

OTHER_PROGRAM must have what PROGRAM must not, so that a pattern that no longer matches anything is noticed.
"""
import re
import subprocess
import sys

FORBIDDEN = re.compile(r"\b(?:llhttp|nghttp[23]|ngtcp2|SSL|BIO|EVP|OPENSSL)_\w+|\bares_\w+|\bsluice::(?:http|http1|proto|worker|app)::")
nm, program, other = sys.argv[1:4]


def symbols(path):
    out = subprocess.run([nm, "--demangle", path], capture_output=True, text=True, check=True).stdout
    dynamic = subprocess.run([nm, "--demangle", "--dynamic", path], capture_output=True, text=True, check=False).stdout
    return sorted({line for line in (out + dynamic).splitlines() if FORBIDDEN.search(line)})


found = symbols(program)
for line in found[:40]:
    print(f"{program}: must not have: {line}")
if not symbols(other):
    print(f"{other} has none of these symbols either: this lint no longer looks at the right names")
    sys.exit(1)
sys.exit(1 if found else 0)
