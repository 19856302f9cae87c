// See answer.h.
#include "app/admin/answer.h"

namespace sluice::admin {
namespace {

constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::string_view kExposition = "text/plain; version=0.0.4; charset=utf-8";
constexpr std::string_view kJson = "application/json";

Answer metrics(std::string_view query, const SlabSet& slabs) {
  if (!query.empty() && query != "by=tenant" && query != "by=worker")
    return {.status = 400, .content_type = kText, .body = "the query is by=tenant or by=worker\n"};
  const auto by = query == "by=tenant" ? Exposition::By::kTenant : Exposition::By::kWorker;
  return {.content_type = kExposition, .body = slabs.metrics(by)};
}

Answer ready(const SlabSet& slabs) {
  const Health health = slabs.health();
  return {.status = static_cast<std::uint16_t>(is_ready(health) ? 200 : 503),
          .content_type = kJson,
          .body = readiness_json(health)};
}

}  // namespace

Answer answer(std::string_view method, std::string_view path, std::string_view query, const SlabSet& slabs) {
  if (method != "GET" && method != "HEAD") return {.status = 405, .content_type = kText, .body = "only GET and HEAD\n"};
  if (path == "/metrics") return metrics(query, slabs);
  if (path == "/ready") return ready(slabs);
  if (path == "/live") return {.content_type = kText, .body = "live\n"};
  return {.status = 404, .content_type = kText, .body = "here are /metrics, /ready and /live\n"};
}

}  // namespace sluice::admin
