// A request as an exchange has it, for tests of what looks at requests.
#pragma once
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "worker/flow/placeholders.h"

namespace sluice::worker {

struct RequestFixture {
  using Line = std::pair<std::string_view, std::string_view>;

  explicit RequestFixture(std::string_view target, std::initializer_list<Line> lines = {})
      : connection(detail::ContextType()), core(connection, request, detail::ContextType()), target(target) {
    EXPECT_TRUE(request.start("GET", this->target, http::Version::kHttp11));
    EXPECT_TRUE(request.fields().add("Host", "web.test:8080"));
    for (const auto& [name, value] : lines) EXPECT_TRUE(request.fields().add(name, value));
    EXPECT_TRUE(request.settle_host());
    connection.peer = *SocketAddress::parse("192.0.2.1:999");
  }
  [[nodiscard]] RequestFacts facts(std::uint16_t status = 0) const {
    return {.core = core,
            .authority = request.authority(),
            .target = target,
            .endpoint = "web",
            .connection = 17,
            .request = 3,
            .status = status};
  }

  detail::ConnectionCore connection;
  http::RequestHead request;
  detail::ExchangeCore core;
  std::string target;
};

}  // namespace sluice::worker
