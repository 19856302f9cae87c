// What the admin process answers: /metrics, /ready, /live. Pure: a request line in, a response out, so that a test
// needs no socket; main.cc puts it behind an HTTP hook.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "app/admin/slab_set.h"

namespace sluice::admin {

struct Answer {
  std::uint16_t status = 200;
  std::string_view content_type;
  std::string body;
};

/// Paths it knows:
///   /metrics            every worker's metrics, by tenant and worker; ?by=tenant sums over the workers of a tenant
///   /ready              200 when every worker of every tenant is ready and nobody is leaving, otherwise 503; JSON says
///   why /live               200: this process runs and answers
[[nodiscard]] Answer answer(std::string_view method, std::string_view path, std::string_view query,
                            const SlabSet& slabs);

}  // namespace sluice::admin
