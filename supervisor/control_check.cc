// See control_check.h.
#include "supervisor/control_check.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "ipc/text.h"
#include "supervisor/json_at.h"
#include "supervisor/plan.h"
#include "supervisor/supervisor.h"

namespace sluice::supervisor {
namespace {
using ipc::ControlConnection;
using nlohmann::json;

// The supervisor reads the file with its own rights, so a member of the control group, who has less, may only ask
// about the file that is in use: messages quote what they find.
Result<std::string> file_to_check(const ControlContext& context, const json& request) {
  const std::string& in_use = context.supervisor.configuration().file;
  std::string file = text_at(request, "file");
  if (file.empty()) file = in_use;
  if (file != in_use && context.who.uid != 0 && context.who.uid != ::geteuid())
    return fail(Code::kForbidden, "only the configuration in use, " + in_use + ", can be checked by the control group");
  return file;
}

PreflightRequest request_for(const Supervisor& supervisor, const std::string& file) {
  return {.file = file,
          .application = supervisor.application_override(),
          .limit = supervisor.configuration().settings.upgrade.preflight_timeout};
}

// A line of the control protocol has an end: what is too long is a text that ends in "…".
json value_json(const std::optional<std::string>& value) {
  constexpr std::size_t kMost = 4000;
  if (!value) return nullptr;
  if (value->size() > kMost) return std::string(ipc::cut_at_character(*value, kMost)) + "…";
  return json::parse(*value, nullptr, /*allow_exceptions=*/false);
}

json refusal_json(restart::Outcome outcome, const std::string& why) {
  const restart::OutcomeFacts& facts = restart::facts(outcome);
  return {{"verdict", "refused"},
          {"outcome", facts.name},
          {"exit_code", facts.exit_code},
          {"meaning", facts.meaning},
          {"why", why}};
}

// By the exit code of `sluicectl diff` for it (docs/restart.md).
json verdict_json(const Plan& plan) {
  if (const std::string fixed = plan.fixed(); !fixed.empty())
    return refusal_json(restart::Outcome::kFixed, fixed + " can be changed only by a restart");
  if (plan.nothing()) return {{"verdict", "nothing"}, {"exit_code", 0}};
  constexpr int kInPlace = 4;
  constexpr int kGeneration = 5;
  const bool in_place = plan.needs() == restart::Needs::kInPlace;
  return {{"verdict", in_place ? "in_place" : "generation"}, {"exit_code", in_place ? kInPlace : kGeneration}};
}

}  // namespace

json problems_json(const settings::Problems& problems) {
  json out = json::array();
  for (const settings::Problem& problem : problems.all())
    out.push_back({{"file", problem.file},
                   {"line", problem.mark.line},
                   {"column", problem.mark.column},
                   {"path", problem.path},
                   {"text", problem.text},
                   {"message", problem.line()}});
  return out;
}

Task<Result<>> control_check(const ControlContext& context, ControlConnection& connection, const json& request) {
  const Supervisor& supervisor = context.supervisor;
  const Result<std::string> file = file_to_check(context, request);
  if (!file) co_return co_await connection.error(file.error());
  const PreflightRequest asked = request_for(supervisor, *file);
  const std::expected<Preflight, Refusal> checked = co_await preflight(supervisor.loop(), asked);
  if (!checked && checked.error().problems.empty()) {
    const Error failed(Code::kUnavailable, checked.error().why);
    co_return co_await connection.error(failed);
  }
  json changes = json::array();
  if (checked)
    for (std::string& path : ipc::differences(supervisor.configuration().settings, checked->configuration->settings))
      changes.push_back(std::move(path));
  const json problems = checked ? json::array() : problems_json(checked.error().problems);
  const json result = {{"file", *file}, {"ok", checked.has_value()}, {"problems", problems}, {"changes", changes}};
  co_return co_await connection.result(result);
}

Task<Result<>> control_diff(const ControlContext& context, ControlConnection& connection, const json& request) {
  const Supervisor& supervisor = context.supervisor;
  const Result<std::string> file = file_to_check(context, request);
  if (!file) co_return co_await connection.error(file.error());
  const PreflightRequest asked = request_for(supervisor, *file);
  const std::expected<Preflight, Refusal> checked = co_await preflight(supervisor.loop(), asked);
  json result;
  if (checked) {
    Plan plan = plan_for(supervisor.serving(), *checked->configuration);
    if (supervisor.program().changed()) plan.programs.push_back(supervisor.program().path());
    for (const settings::Change& change : plan.changes) {
      const json item = {{"path", change.path},
                         {"before", value_json(change.before)},
                         {"after", value_json(change.after)},
                         {"needs", restart::name(restart::needs_of(change.path))}};
      Result<> sent = co_await connection.item(item);
      if (!sent) co_return sent;
    }
    result = verdict_json(plan);
    result["programs"] = plan.programs;
    result["problems"] = json::array();
  } else {
    result = refusal_json(checked.error().outcome, checked.error().why);
    result["programs"] = json::array();
    result["problems"] = problems_json(checked.error().problems);
  }
  result["file"] = *file;
  co_return co_await connection.result(result);
}

}  // namespace sluice::supervisor
