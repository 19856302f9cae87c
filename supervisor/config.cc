// See config.h.
#include "supervisor/config.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "supervisor/accounts.h"
#include "supervisor/error_pages.h"
#include "supervisor/spawn.h"

namespace sluice::supervisor {
namespace {
using settings::Document;
using settings::Problems;

// Tool runs are nobody's tenant: the built-in one lends its ids.
Result<std::string> run_tool(const Application& application, std::string option, std::string input) {
  PrivateIds ids;
  RunRequest request{.binary = application.binary.get(),
                     .arguments = {application.path, option},
                     .input = std::move(input),
                     .ids = std::nullopt};
  if (::geteuid() == 0) request.ids = ids.of("sluice");
  Result<Output> output = run_sandboxed(request);
  if (!output) return fail(std::move(output).error().during(application.path + " " + option));
  if (output->status != 0) {
    const std::string words = output->errors.substr(0, output->errors.find('\n'));
    return fail(Code::kBadConfig, fmt::format("{} {} ended with status {}{}{}", application.path, option,
                                              output->status, words.empty() ? "" : ": ", words.substr(0, 200)));
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

Result<Problems> check_by_application(const Application& application, const Document& document) {
  Result<std::string> output = run_tool(application, "--check", ipc::encode(sections_of(document)));
  if (!output) return fail(std::move(output).error());
  return ipc::decode_problems(*output);
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

Result<Application> open_application(const std::string& path) {
  Result<Fd> binary = open_binary(path);
  if (!binary) return fail(std::move(binary).error());
  std::string identity = identity_of(*binary);
  Application application{.path = path, .binary = *std::move(binary), .about = {}, .identity = std::move(identity)};
  Result<std::string> said = run_tool(application, "--describe", {});
  if (!said) return fail(std::move(said).error());
  Result<ipc::ApplicationDescription> about = ipc::decode_description(*said);
  if (!about) return fail(Code::kBadConfig, path + " is not an application of Sluice: " + about.error().message());
  application.about = *std::move(about);
  return application;
}

std::expected<Configuration, Problems> load_configuration(const std::string& file, const std::string& application) {
  Problems problems;
  Result<std::string> text = read_file(file);
  if (!text) {
    problems.add(file, {}, {}, text.error().message());
    return std::unexpected(std::move(problems));
  }
  const Document document = settings::parse_yaml(*text, file);
  std::expected<ipc::Settings, Problems> read = ipc::read_settings(document);
  if (!read) problems.append(std::move(read).error());
  if (read) {
    Problems found;
    check_accounts(*read, found);
    read_error_pages(*read, found);
    found.locate(document);
    problems.append(std::move(found));
  }

  std::string program = application.empty() ? program_in(document) : application;
  if (program.empty()) program = beside_us("sluice-proxy");
  Result<Application> opened = open_application(program);
  Result<Problems> found = opened ? check_by_application(*opened, document) : Result<Problems>(fail(opened.error()));
  if (found) {
    problems.append(*std::move(found));
  } else if (!problems.concern("application.program")) {
    problems.add(file, document.locate("application.program"), "application.program", found.error().message());
  }
  if (!problems.empty()) {
    problems.sort();
    return std::unexpected(std::move(problems));
  }
  return Configuration{.file = file, .settings = *std::move(read), .application = *std::move(opened)};
}

}  // namespace sluice::supervisor
