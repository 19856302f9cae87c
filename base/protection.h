// Protection: one line of what `sluicectl status` says about a worker's sandbox. Whoever switches a protection on (the
// supervisor for namespaces, ids and cgroups, the worker for everything behind its own door) reports it with one of
// these; a protection that is off is never silent, it carries its reason. docs/privileges.md explains each name.
#pragma once
#include <string>

namespace sluice {

struct Protection {
  std::string name;  ///< stable, lower case: "seccomp", "user namespace", …
  bool on = false;
  std::string why;  ///< when off: what stood in the way; when on: a detail worth knowing ("ABI 7", "kill"), or nothing
};

}  // namespace sluice
