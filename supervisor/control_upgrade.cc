// See control_upgrade.h.
#include "supervisor/control_upgrade.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "ipc/connection_table.h"
#include "supervisor/control_check.h"
#include "supervisor/json_at.h"
#include "supervisor/supervisor.h"

namespace sluice::supervisor {
namespace {
using ipc::ControlConnection;
using nlohmann::json;
using restart::Phase;

json ledger_json(const restart::Ledger& ledger) {
  json out = json::object();
  for (const ipc::Work work : restart::kAllWork) {
    const restart::LedgerRow& row = ledger.of(work);
    out[std::string(restart::name(work))] = {
        {"open", row.open}, {"finished", row.finished}, {"handed_over", row.handed_over},  {"retry", row.retry},
        {"cut", row.cut},   {"crashed", row.crashed},   {"unexplained", row.unexplained()}};
  }
  return out;
}

json event_json(const UpgradeEvent& event) {
  return {{"unix_ms", event.unix_ms}, {"phase", restart::name(event.phase)}, {"text", event.text}};
}

json record_json(const UpgradeRecord& record) {
  json events = json::array();
  for (const UpgradeEvent& event : record.events()) events.push_back(event_json(event));
  json out = {{"number", record.number()},
              {"why", record.why()},
              {"started_unix_ms", record.started_unix_ms()},
              {"phase", restart::name(record.phase())},
              {"outcome", nullptr},
              {"reason", record.reason()},
              {"from", record.from},
              {"to", record.to},
              {"changes", record.changes},
              {"problems", problems_json(record.problems)},
              {"last_words", record.last_words},
              {"events", std::move(events)},
              {"ledger", nullptr}};
  if (record.outcome()) {
    const restart::OutcomeFacts& facts = restart::facts(*record.outcome());
    out["outcome"] = facts.name;
    out["exit_code"] = facts.exit_code;
    out["meaning"] = facts.meaning;
  }
  if (record.phase() == Phase::kEnded && record.leaving != 0) out["ledger"] = ledger_json(record.ledger);
  return out;
}

bool reached(const UpgradeRecord& record, const std::string& until) {
  if (record.ended()) return true;
  if (until == "commit") return record.phase() == Phase::kProbation || record.phase() == Phase::kDrain;
  return until == "probation" && record.outcome().has_value();
}

// What the generation that leaves still has, by what it is.
struct Left {
  std::size_t idle = 0;
  std::size_t busy = 0;
  std::size_t tunnels = 0;
  std::size_t flows = 0;
  bool operator==(const Left&) const = default;
};
Left left_of(const Supervisor& supervisor, std::uint64_t number) {
  Left left;
  for (const std::unique_ptr<Generation>& generation : supervisor.generations().all()) {
    if (generation->number() != number) continue;
    for (const std::unique_ptr<Worker>& worker : generation->workforce().workers()) {
      if (worker->tenant().built_in() || worker->pid() == 0 || worker->slab() == nullptr) continue;
      const Result<ipc::SlabView> view = worker->slab()->reader->view();
      if (!view) continue;
      ipc::ConnectionReader reader(*view);
      while (const auto record = reader.next())
        ++(record->state == ipc::ConnectionState::kIdle     ? left.idle
           : record->state == ipc::ConnectionState::kTunnel ? left.tunnels
           : record->state == ipc::ConnectionState::kFlow   ? left.flows
                                                            : left.busy);
    }
  }
  return left;
}

}  // namespace

Task<Result<>> control_upgrade(const ControlContext& context, ControlConnection& connection, const json& request) {
  const std::string until = text_at(request, "until");
  if (!until.empty() && until != "commit" && until != "probation" && until != "drain") {
    const Error wrong(Code::kBadSyntax, "\"until\" is commit, probation or drain");
    co_return co_await connection.error(wrong);
  }
  const auto force = request.find("force");
  const bool forced = force != request.end() && force->is_boolean() && force->get<bool>();
  context.client.until = until;
  context.client.shown = 0;
  context.client.follows =
      context.supervisor.upgrader().ask(fmt::format("sluicectl, uid {}, process {}", context.who.uid, context.who.pid),
                                        forced ? UpgradeRecord::Force::kYes : UpgradeRecord::Force::kNo);
  co_return co_await follow_upgrade(context, connection);
}

Task<Result<>> follow_upgrade(const ControlContext& context, ControlConnection& connection) {
  const Supervisor& supervisor = context.supervisor;
  const std::shared_ptr<UpgradeRecord> record = context.client.follows;
  const std::string until = context.client.until;
  UpgradeWatch watch(*record);
  std::size_t& shown = context.client.shown;
  std::optional<Left> told;
  for (;;) {
    watch.changed().clear();
    while (shown < record->events().size()) {
      const json item = event_json(record->events()[shown++]);
      Result<> sent = co_await connection.item(item);
      if (!sent) co_return sent;
    }
    if (reached(*record, until)) break;
    constexpr Millis kOften{1000};
    if (record->phase() == Phase::kDrain) {
      const Left left = left_of(supervisor, record->leaving);
      if (told != left) {
        told = left;
        const json item = {{"phase", "drain"},
                           {"idle", left.idle},
                           {"busy", left.busy},
                           {"tunnels", left.tunnels},
                           {"flows", left.flows}};
        Result<> sent = co_await connection.item(item);
        if (!sent) co_return sent;
      }
    }
    const Wake wake = co_await watch.changed().wait(supervisor.loop(), supervisor.loop().in(kOften));
    static_cast<void>(wake);
  }
  context.client.follows.reset();
  const json result = record_json(*record);
  co_return co_await connection.result(result);
}

Task<Result<>> control_upgrades(const ControlContext& context, ControlConnection& connection, const json& /*request*/) {
  json records = json::array();
  for (const std::shared_ptr<UpgradeRecord>& record : context.supervisor.upgrader().records())
    records.push_back(record_json(*record));
  const json result = {{"upgrades", std::move(records)}};
  co_return co_await connection.result(result);
}

}  // namespace sluice::supervisor
