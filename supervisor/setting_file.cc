// See setting_file.h.
#include "supervisor/setting_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

namespace sluice::supervisor {

Result<std::string> read_setting(const std::string& file, std::size_t most) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error))
    return fail_errno(error ? error.value() : EINVAL, "cannot be read");
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  if (!in) return fail_errno(errno != 0 ? errno : EIO, "cannot be read");
  std::string text(most + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

Result<Fd> open_setting(const std::string& file) {
  Fd opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!opened) return fail_errno(errno, "cannot be read");
  struct stat facts{};
  if (::fstat(opened.get(), &facts) != 0 || !S_ISREG(facts.st_mode)) return fail_errno(EINVAL, "cannot be read");
  return opened;
}

}  // namespace sluice::supervisor
