// RouteRules: what a route does besides naming an upstream: changes header fields and the path, redirects, or answers
// itself (ipc/settings/route.h). Made from the settings once; a route without any has none, and its requests pay one
// comparison with null.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/template_text.h"
#include "ipc/settings/route.h"
#include "proto/http/head.h"
#include "worker/flow/placeholders.h"

namespace sluice::worker {

/// Changes to the fields of one direction.
class FieldRules {
 public:
  explicit FieldRules(const ipc::FieldRuleSettings& settings);
  [[nodiscard]] bool empty() const { return rules_.empty(); }
  /// A value that cannot stand in a field once its placeholders are filled in is left out.
  void apply(http::Fields& fields, const RequestFacts& facts) const;

 private:
  enum class What : std::uint8_t { kRemove, kSet, kAdd };
  struct Rule {
    What what;
    std::string name;
    TemplateText value;
  };
  std::vector<Rule> rules_;
};

class RouteRules {
 public:
  /// Null when the route has none. The settings have been checked when the configuration was read.
  [[nodiscard]] static std::unique_ptr<RouteRules> make(const ipc::RouteSettings& settings);
  explicit RouteRules(const ipc::RouteSettings& settings);

  /// The route has no upstream: we answer.
  [[nodiscard]] bool answers() const { return status_ != 0; }
  [[nodiscard]] std::uint16_t status() const { return status_; }
  [[nodiscard]] const std::string& body() const { return body_; }
  /// The fields of that answer.
  void fill(http::Fields& fields, const RequestFacts& facts) const;

  /// Replaces the route's path in the request's. Errors: kBadSyntax (400) for a path that would lead out of it.
  [[nodiscard]] Result<> rewrite(http::RequestHead& request) const;
  [[nodiscard]] const FieldRules& request_fields() const { return request_fields_; }
  [[nodiscard]] const FieldRules& response_fields() const { return response_fields_; }

 private:
  std::string path_;          // without a closing "/"
  std::string replace_path_;  // too
  bool rewrites_;
  FieldRules request_fields_;
  FieldRules response_fields_;
  std::uint16_t status_;
  TemplateText location_;
  std::string body_;
  FieldRules answer_fields_;
};

/// A segment "." or "..", also percent-encoded, also with "\" for "/".
[[nodiscard]] bool has_dot_segment(std::string_view path);

}  // namespace sluice::worker
