// See own_program.h.
#include "supervisor/own_program.h"

#include <filesystem>

#include "supervisor/config.h"
#include "supervisor/spawn.h"

namespace sluice::supervisor {

Result<OwnProgram> OwnProgram::find() {
  constexpr std::string_view kDeleted = " (deleted)";
  std::error_code error;
  std::string path = std::filesystem::read_symlink("/proc/self/exe", error).string();
  if (error) return fail(Error::from_errno(error.value(), "readlink").during("/proc/self/exe"));
  if (path.ends_with(kDeleted)) path.resize(path.size() - kDeleted.size());
  return find(std::move(path));
}

Result<OwnProgram> OwnProgram::find(std::string path) {
  Result<Fd> running = open_binary("/proc/self/exe");
  if (!running) return fail(std::move(running).error());
  std::string identity = identity_of(*running);
  return OwnProgram(std::move(path), *std::move(running), std::move(identity));
}

bool OwnProgram::changed() const {
  const Result<Fd> there = open_binary(path_);
  return !there || identity_of(*there) != identity_;
}

}  // namespace sluice::supervisor
