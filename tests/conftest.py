"""For all Python tests: `support` can be imported, and a failing test says where its server's output lies."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
