"""Small things that several tests build. Each room's builders stand under its heading; add to this file, never rewrite it.

LOST, PLEASE RESTORE: a first version of this file (written about 17:53 by a builder of kg or ingest) was overwritten by builder D at 17:54 by
mistake and could not be recovered. Whoever wrote it: put your builders back below and delete this paragraph. D's own are in fake_engine.py.
"""

from __future__ import annotations
