// See preflight.h.
#include "supervisor/preflight.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/version.h"
#include "ipc/memfd.h"
#include "supervisor/child_run.h"
#include "supervisor/json_at.h"
#include "supervisor/program_fault.h"
#include "supervisor/takeover.h"

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

// What problems may say of themselves: the child is to be believed in no other outcome.
restart::Outcome cause_of(const settings::Problem& problem) {
  using restart::Outcome;
  constexpr std::array kCauses = {Outcome::kUnreadable,
                                  Outcome::kCertificate,
                                  Outcome::kApplication,
                                  Outcome::kApplicationMissing,
                                  Outcome::kApplicationNotExecutable,
                                  Outcome::kApplicationFormat,
                                  Outcome::kApplicationSilent,
                                  Outcome::kApplicationFailed,
                                  Outcome::kApplicationHangs,
                                  Outcome::kPreflight};
  const std::optional<Outcome> cause = restart::parse_outcome(problem.cause);
  return cause && std::ranges::find(kCauses, *cause) != kCauses.end() ? *cause : Outcome::kConfiguration;
}

// One cause for all of them, or the configuration as a whole.
Refusal refuse(settings::Problems problems) {
  const restart::Outcome cause = cause_of(problems.all().front());
  const bool alone = std::ranges::all_of(problems.all(), [&](const auto& one) { return cause_of(one) == cause; });
  Refusal refusal = refuse(alone ? cause : restart::Outcome::kConfiguration, problems.all().front().line());
  if (problems.size() > 1) refusal.why += fmt::format(", and {} more", problems.size() - 1);
  refusal.problems = std::move(problems);
  return refusal;
}

// Which program is asked.
struct Candidate {
  Fd program;
  bool other = false;
  std::string identity;
};

// Whose fault is it when the child fails: that of the program, when it is another one; otherwise of the check.
restart::Outcome outcome_of_child(const Candidate& asked, ProgramFault fault) {
  return asked.other ? outcome_of(WhoseProgram::kSupervisor, fault) : restart::Outcome::kPreflight;
}

// The child as a whole: an object, or what went wrong with it.
std::expected<json, Refusal> object_in(const Output& output, const Candidate& asked) {
  json answer = json::parse(output.output, nullptr, /*allow_exceptions=*/false);
  if (output.status == 0 && answer.is_object()) return answer;
  Refusal refusal = refuse(outcome_of_child(asked, fault_of_answer(output)),
                           fmt::format("the check ended with status {}{}", output.status,
                                       output.status == 0 ? " and without an answer" : ""));
  refusal.last_words = last_lines(output.errors);
  return std::unexpected(std::move(refusal));
}

std::optional<Refusal> problems_in(const json& answer) {
  if (!answer.contains("problems")) return std::nullopt;
  Result<settings::Problems> problems = ipc::decode_problems(text_at(answer, "problems"));
  if (!problems || problems->empty()) return refuse(restart::Outcome::kPreflight, "the check's answer cannot be read");
  return refuse(*std::move(problems));
}

std::expected<Configuration, Refusal> configuration_in(const std::string& file, const json& answer) {
  if (std::optional<Refusal> problems = problems_in(answer)) return std::unexpected(*std::move(problems));
  Result<ipc::Settings> settings = ipc::settings_from_json(text_at(answer, "settings"));
  if (!settings) return std::unexpected(refuse(restart::Outcome::kPreflight, settings.error().message()));
  Result<ipc::ApplicationDescription> about = ipc::decode_description(text_at(answer, "about"));
  if (!about) return std::unexpected(refuse(restart::Outcome::kPreflight, about.error().message()));
  const std::string path = text_at(answer, "application");
  Result<Fd> binary = open_binary(path);
  if (!binary)
    return std::unexpected(
        refuse(outcome_of(WhoseProgram::kApplication, fault_of_opening(binary.error())), binary.error().message()));
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

Result<Candidate> candidate(const OwnProgram* own) {
  if (own != nullptr) {
    Result<Fd> there = open_binary(own->path());
    if (!there) return fail(std::move(there).error());
    std::string identity = identity_of(*there);
    if (identity != own->identity())
      return Candidate{.program = *std::move(there), .other = true, .identity = std::move(identity)};
  }
  Result<Fd> self = open_binary("/proc/self/exe");
  if (!self) return fail(std::move(self).error());
  return Candidate{.program = *std::move(self), .other = false, .identity = {}};
}

// Can the other program go on from here?
std::expected<Preflight, Refusal> judge_program(Candidate candidate, const Output& output) {
  using restart::Outcome;
  const std::expected<json, Refusal> answer = object_in(output, candidate);
  if (!answer) return std::unexpected(answer.error());
  if (!answer->contains("state")) return std::unexpected(refuse(Outcome::kSupervisor, "it says nothing of the state"));
  if (const std::string fault = text_at(*answer, "state"); !fault.empty())
    return std::unexpected(refuse(Outcome::kState, fault));
  if (std::optional<Refusal> problems = problems_in(*answer)) return std::unexpected(*std::move(problems));
  if (identity_of(candidate.program) != candidate.identity)
    return std::unexpected(refuse(Outcome::kSupervisor, "it changed while it was being checked: try again"));
  return Preflight{.configuration = std::nullopt,
                   .program = std::move(candidate.program),
                   .version = text_at(*answer, "version"),
                   .answer = output.output};
}

}  // namespace

Task<std::expected<Preflight, Refusal>> preflight(Loop& loop, const PreflightRequest& request) {
  Result<Candidate> asked = candidate(request.program);
  if (!asked)
    co_return std::unexpected(
        refuse(outcome_of(WhoseProgram::kSupervisor, fault_of_opening(asked.error())), asked.error().message()));
  ChildRequest child{.binary = asked->program.get(),
                     .arguments = {"sluice", "--preflight", "-c", request.file},
                     .limit = request.limit};
  if (!request.application.empty()) {
    child.arguments.emplace_back("--application");
    child.arguments.push_back(request.application);
  }
  Fd state;
  if (asked->other) {
    const std::string text = restart::write_state(request.state());
    Result<Fd> sealed = ipc::seal_bytes("state", text);
    if (!sealed) co_return std::unexpected(refuse(restart::Outcome::kPreflight, sealed.error().message()));
    state = *std::move(sealed);
    child.extra = state.get();
    child.arguments.insert(child.arguments.end(), {"--state", "3"});
  }
  const Result<Output> output = co_await run_beside(loop, child);
  if (!output) {
    const std::string subject = asked->other ? request.program->path() + ": " : "";
    const restart::Outcome outcome = outcome_of_child(*asked, fault_of_running(output.error()));
    co_return std::unexpected(refuse(outcome, subject + output.error().message()));
  }
  if (asked->other) co_return judge_program(*std::move(asked), *output);
  const std::expected<json, Refusal> answer = object_in(*output, *asked);
  if (!answer) co_return std::unexpected(answer.error());
  std::expected<Configuration, Refusal> configuration = configuration_in(request.file, *answer);
  if (!configuration) co_return std::unexpected(std::move(configuration).error());
  Preflight passed;
  passed.configuration = *std::move(configuration);
  co_return passed;
}

std::expected<Configuration, Refusal> judge_preflight(const std::string& file, const std::string& text) {
  const json answer = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!answer.is_object())
    return std::unexpected(refuse(restart::Outcome::kPreflight, "the check's answer cannot be read"));
  return configuration_in(file, answer);
}

std::string preflight_answer(const std::string& file, const std::string& application, int state) {
  const auto loaded = load_configuration(file, application);
  json answer = json::object();
  answer["version"] = version();
  if (state >= 0) {
    const Result<restart::SavedState> read = receive_state(state);
    const Result<> understood = read ? understand(*read) : Result<>(fail(read.error()));
    answer["state"] = understood ? "" : understood.error().message();
  }
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
