"""Prints "passed failed skipped" of a JUnit file that ctest wrote. A test that could not run counts as failed."""
import sys
import xml.etree.ElementTree

passed = failed = skipped = 0
for case in xml.etree.ElementTree.parse(sys.argv[1]).iter("testcase"):
    status = case.get("status")
    if status == "run":
        passed += 1
    elif status in ("disabled",) or (status == "notrun" and case.find("skipped") is not None
                                     and "SKIP" in (case.find("skipped").get("message") or "").upper()):
        skipped += 1
    else:
        failed += 1
print(passed, failed, skipped)
