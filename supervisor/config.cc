// See config.h.
#include "supervisor/config.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "supervisor/accounts.h"
#include "supervisor/certificates.h"
#include "supervisor/error_pages.h"
#include "supervisor/tls_files.h"

namespace sluice::supervisor {
namespace {
using settings::Document;
using settings::Problems;

template <class T>
using OfProgram = std::expected<T, ProgramTrouble>;

std::unexpected<ProgramTrouble> trouble(ProgramFault fault, Error error) {
  return std::unexpected(ProgramTrouble{.fault = fault, .error = std::move(error)});
}

struct Tool {
  std::string option;
  std::string input;
  std::chrono::milliseconds limit;
};
// Tool runs are nobody's tenant: the built-in one lends its ids.
OfProgram<std::string> run_tool(const Application& application, Tool tool) {
  PrivateIds ids;
  RunRequest request{.binary = application.binary.get(),
                     .arguments = {application.path, tool.option},
                     .input = std::move(tool.input),
                     .ids = std::nullopt,
                     .time_limit = tool.limit};
  if (::geteuid() == 0) request.ids = ids.of("sluice");
  Result<Output> output = run_sandboxed(request);
  const std::string what = application.path + " " + tool.option;
  if (!output) return trouble(fault_of_running(output.error()), std::move(output).error().during(what));
  if (output->status != 0) {
    const std::string words = output->errors.substr(0, output->errors.find('\n'));
    return trouble(ProgramFault::kFailed,
                   Error(Code::kBadConfig, fmt::format("{} ended with status {}{}{}", what, output->status,
                                                       words.empty() ? "" : ": ", words.substr(0, 200))));
  }
  return std::move(output->output);
}

Result<std::string> read_file(const std::string& file) {
  std::error_code error;
  if (std::filesystem::is_directory(file, error)) return fail_errno(EISDIR, "cannot read it");
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  if (!in) return fail_errno(errno != 0 ? errno : EIO, "cannot read it");
  std::string text;
  text.resize(Document::kMaxBytes + 1);
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

// The application's own sections, whether the file is otherwise right or not.
std::vector<ipc::SectionToCheck> sections_of(const Document& document) {
  using Kind = ipc::SectionToCheck::Kind;
  std::vector<ipc::SectionToCheck> sections;
  const auto add = [&](Kind kind, const std::string& path) {
    Document part = document.part(path);
    if (part.root.kind == settings::Node::Kind::kNull) {
      part = Document{.file = document.file, .path = path, .root = settings::Node::map()};
      part.root.mark = document.locate(path);
    }
    sections.push_back({.kind = kind, .document = std::move(part)});
  };
  const settings::Node* tenants = document.root.find("tenants");
  for (std::size_t i = 0; tenants != nullptr && i < tenants->items.size(); ++i) {
    const std::string tenant = fmt::format("tenants[{}]", i);
    add(Kind::kTenant, tenant + ".settings");
    const settings::Node* endpoints = tenants->items[i].find("endpoints");
    for (std::size_t j = 0; endpoints != nullptr && j < endpoints->items.size(); ++j)
      add(Kind::kEndpoint, fmt::format("{}.endpoints[{}].settings", tenant, j));
  }
  return sections;
}

std::string program_in(const Document& document) {
  const settings::Node* section = document.root.find("application");
  const settings::Node* program = section != nullptr ? section->find("program") : nullptr;
  return program != nullptr ? program->text : std::string();
}

OfProgram<Problems> check_by_application(const Application& application, const Document& document,
                                         std::chrono::milliseconds limit) {
  OfProgram<std::string> output =
      run_tool(application, {.option = "--check", .input = ipc::encode(sections_of(document)), .limit = limit});
  if (!output) return std::unexpected(std::move(output).error());
  Result<Problems> problems = ipc::decode_problems(*output);
  if (!problems) return trouble(ProgramFault::kOther, std::move(problems).error());
  Problems said;  // causes are ours to name
  for (const settings::Problem& one : problems->all()) said.add(one.file, one.mark, one.path, one.text);
  return said;
}

// Shorter than the check as a whole may take, so that somebody is left to say whose fault it was.
std::chrono::milliseconds tool_limit(const std::expected<ipc::Settings, Problems>& settings) {
  if (!settings) return RunRequest::kTimeLimit;
  return std::min<std::chrono::milliseconds>(RunRequest::kTimeLimit, settings->upgrade.preflight_timeout * 3 / 4);
}

}  // namespace

LogLevel level_of(ipc::LogLevel level) {
  switch (level) {
    case ipc::LogLevel::kDebug:
      return LogLevel::kDebug;
    case ipc::LogLevel::kInfo:
      return LogLevel::kInfo;
    case ipc::LogLevel::kWarn:
      return LogLevel::kWarn;
    case ipc::LogLevel::kError:
      return LogLevel::kError;
  }
  return LogLevel::kInfo;
}

std::string beside_us(const std::string& name) {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  return (error ? std::filesystem::path("/usr/bin") : self.parent_path()) / name;
}

std::string identity_of(const Fd& file) {
  struct stat facts{};
  if (::fstat(file.get(), &facts) != 0) return {};
  return fmt::format("{}:{}:{}:{}.{}", facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtim.tv_sec,
                     facts.st_mtim.tv_nsec);
}

OfProgram<Application> open_application(const std::string& path, std::chrono::milliseconds limit) {
  Result<Fd> binary = open_binary(path);
  if (!binary) return trouble(fault_of_opening(binary.error()), std::move(binary).error());
  std::string identity = identity_of(*binary);
  Application application{.path = path, .binary = *std::move(binary), .about = {}, .identity = std::move(identity)};
  const OfProgram<std::string> said = run_tool(application, {.option = "--describe", .input = {}, .limit = limit});
  if (!said) return std::unexpected(said.error());
  Result<ipc::ApplicationDescription> about = ipc::decode_description(*said);
  if (!about)
    return trouble(said->empty() ? ProgramFault::kSilent : ProgramFault::kOther,
                   Error(Code::kBadConfig, path + " is not an application of Sluice: " + about.error().message()));
  application.about = *std::move(about);
  return application;
}

std::expected<Configuration, Problems> load_configuration(const std::string& file, const std::string& application) {
  Problems problems;
  Result<std::string> text = read_file(file);
  if (!text) {
    problems.add({.file = file,
                  .mark = {},
                  .path = {},
                  .text = text.error().message(),
                  .cause = std::string(restart::name(restart::Outcome::kUnreadable))});
    return std::unexpected(std::move(problems));
  }
  const Document document = settings::parse_yaml(*text, file);
  std::expected<ipc::Settings, Problems> read = ipc::read_settings(document);
  if (!read) problems.append(std::move(read).error());
  if (read) {
    Problems found;
    check_accounts(*read, found);
    read_error_pages(*read, found);
    read_tls_files(*read, found);
    if (found.empty()) check_certificates(*read, found);
    found.locate(document);
    problems.append(std::move(found));
  }

  std::string program = application.empty() ? program_in(document) : application;
  if (program.empty()) program = beside_us("sluice-proxy");
  const std::chrono::milliseconds limit = tool_limit(read);
  OfProgram<Application> opened = open_application(program, limit);
  OfProgram<Problems> found = opened ? check_by_application(*opened, document, limit)
                                     : OfProgram<Problems>(std::unexpected(std::move(opened).error()));
  if (found) {
    problems.append(*std::move(found));
  } else if (!problems.concern("application.program")) {
    const restart::Outcome cause = outcome_of(WhoseProgram::kApplication, found.error().fault);
    problems.add({.file = file,
                  .mark = document.locate("application.program"),
                  .path = "application.program",
                  .text = found.error().error.message(),
                  .cause = std::string(restart::name(cause))});
  }
  if (!problems.empty()) {
    problems.sort();
    return std::unexpected(std::move(problems));
  }
  return Configuration{.file = file, .settings = *std::move(read), .application = *std::move(opened)};
}

}  // namespace sluice::supervisor
