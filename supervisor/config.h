// From a file to what the supervisor runs: the application is opened and asked what it is, the file is read, and both
// sides' settings are checked, ours here and the application's by itself in a sandboxed child. All problems come back
// at once, in the order of the file; nothing has been started or touched then.
#pragma once
#include <expected>
#include <string>

#include "base/fd.h"
#include "base/log.h"
#include "base/result.h"
#include "base/settings/problems.h"
#include "ipc/application.h"
#include "ipc/settings/settings.h"
#include "supervisor/program_fault.h"
#include "supervisor/spawn.h"

namespace sluice::supervisor {

/// The application, open: workers are started from this descriptor, whatever becomes of the file.
struct Application {
  std::string path;
  Fd binary;
  ipc::ApplicationDescription about;
  std::string identity;  ///< of the file as it was opened: another text, another program
};
/// What tells two files apart, of an open one.
[[nodiscard]] std::string identity_of(const Fd& file);
/// Opens the binary and runs `--describe`, for so long at most.
[[nodiscard]] std::expected<Application, ProgramTrouble> open_application(
    const std::string& path, std::chrono::milliseconds limit = RunRequest::kTimeLimit);

/// The level that the configuration names.
[[nodiscard]] LogLevel level_of(ipc::LogLevel level);

/// The path of a program in the folder where this one is.
[[nodiscard]] std::string beside_us(const std::string& name);

struct Configuration {
  std::string file;
  ipc::Settings settings;
  Application application;
};
/// `application` wins over what the file names, unless it is empty.
[[nodiscard]] std::expected<Configuration, settings::Problems> load_configuration(const std::string& file,
                                                                                  const std::string& application);

}  // namespace sluice::supervisor
