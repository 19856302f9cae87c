"""clang-format: layout is decided in .clang-format and nowhere else."""
import subprocess
import sys

import tree

paths = [str(p) for p in tree.code()]
done = subprocess.run([sys.argv[1], "--dry-run", "--Werror", "--ferror-limit=3", *paths], cwd=tree.ROOT, stderr=subprocess.STDOUT, check=False)
sys.exit(done.returncode if paths else 1)
