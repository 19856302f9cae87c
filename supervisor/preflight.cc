// See preflight.h.
#include "supervisor/preflight.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "supervisor/child_run.h"
#include "supervisor/json_at.h"

namespace sluice::supervisor {
namespace {
using nlohmann::json;

std::vector<std::string> last_lines(const std::string& text) {
  constexpr std::size_t kMost = 5;
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    lines.push_back(line.substr(0, 1000));
    if (lines.size() > kMost) lines.erase(lines.begin());
  }
  return lines;
}

Refusal refuse(restart::Outcome outcome, std::string why) {
  return {.outcome = outcome, .why = std::move(why), .problems = {}, .last_words = {}};
}

// Is it the program alone that is wrong?
Refusal refuse(settings::Problems problems) {
  const bool program = std::ranges::all_of(
      problems.all(), [](const settings::Problem& one) { return one.path == "application.program"; });
  Refusal refusal = refuse(program ? restart::Outcome::kApplication : restart::Outcome::kConfiguration,
                           problems.all().front().line());
  if (problems.size() > 1) refusal.why += fmt::format(", and {} more", problems.size() - 1);
  refusal.problems = std::move(problems);
  return refusal;
}

std::expected<Configuration, Refusal> judge(const std::string& file, const Output& output) {
  const json answer = json::parse(output.output, nullptr, /*allow_exceptions=*/false);
  if (output.status != 0 || !answer.is_object()) {
    Refusal refusal =
        refuse(restart::Outcome::kPreflight, fmt::format("the check ended with status {}", output.status));
    refusal.last_words = last_lines(output.errors);
    return std::unexpected(std::move(refusal));
  }
  if (answer.contains("problems")) {
    Result<settings::Problems> problems = ipc::decode_problems(text_at(answer, "problems"));
    if (!problems || problems->empty())
      return std::unexpected(refuse(restart::Outcome::kPreflight, "the check's answer cannot be read"));
    return std::unexpected(refuse(*std::move(problems)));
  }
  Result<ipc::Settings> settings = ipc::settings_from_json(text_at(answer, "settings"));
  if (!settings) return std::unexpected(refuse(restart::Outcome::kPreflight, settings.error().message()));
  Result<ipc::ApplicationDescription> about = ipc::decode_description(text_at(answer, "about"));
  if (!about) return std::unexpected(refuse(restart::Outcome::kPreflight, about.error().message()));
  const std::string path = text_at(answer, "application");
  Result<Fd> binary = open_binary(path);
  if (!binary) return std::unexpected(refuse(restart::Outcome::kApplication, binary.error().message()));
  std::string identity = identity_of(*binary);
  if (identity != text_at(answer, "identity"))
    return std::unexpected(
        refuse(restart::Outcome::kApplication, path + " changed while it was being checked: try again"));
  return Configuration{
      .file = file,
      .settings = *std::move(settings),
      .application = {
          .path = path, .binary = *std::move(binary), .about = *std::move(about), .identity = std::move(identity)}};
}

}  // namespace

Task<std::expected<Configuration, Refusal>> preflight(Loop& loop, const PreflightRequest& request) {
  const Result<Fd> self = open_binary("/proc/self/exe");
  if (!self) co_return std::unexpected(refuse(restart::Outcome::kPreflight, self.error().message()));
  ChildRequest child{
      .binary = self->get(), .arguments = {"sluice", "--preflight", "-c", request.file}, .limit = request.limit};
  if (!request.application.empty()) {
    child.arguments.emplace_back("--application");
    child.arguments.push_back(request.application);
  }
  const Result<Output> output = co_await run_beside(loop, child);
  if (!output) co_return std::unexpected(refuse(restart::Outcome::kPreflight, output.error().message()));
  co_return judge(request.file, *output);
}

std::string preflight_answer(const std::string& file, const std::string& application) {
  const auto loaded = load_configuration(file, application);
  json answer = json::object();
  if (loaded) {
    answer["settings"] = ipc::to_json(loaded->settings);
    answer["application"] = loaded->application.path;
    answer["about"] = ipc::encode(loaded->application.about);
    answer["identity"] = loaded->application.identity;
  } else {
    answer["problems"] = ipc::encode(loaded.error());
  }
  return answer.dump(-1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace);
}

}  // namespace sluice::supervisor
