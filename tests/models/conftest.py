import sys
from pathlib import Path

# golden_runners_zoo.py lies with the other golden runners, one folder up.
sys.path.insert(0, str(Path(__file__).parents[1]))
