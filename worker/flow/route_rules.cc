// See route_rules.h.
#include "worker/flow/route_rules.h"

#include "base/check.h"
#include "ipc/settings/placeholders.h"
#include "proto/http/ascii.h"

namespace sluice::worker {
namespace {
TemplateText parsed(std::string_view text) {
  Result<TemplateText> result = TemplateText::parse(text, ipc::kRequestPlaceholders);
  SLUICE_CHECK(result.has_value(), "a template that the configuration's checks let through does not parse");
  return *std::move(result);
}

std::string without_slash(std::string path) {
  if (path.ends_with('/')) path.pop_back();
  return path;
}

std::uint16_t status_of(const ipc::RouteSettings& settings) {
  return settings.redirect.to.empty() ? settings.respond.status : settings.redirect.status;
}

// "//host" and "/\host" name another host to a browser: what a request path begins with must not become that.
std::string safe_location(std::string location) {
  const std::size_t slashes = location.starts_with('/') ? location.find_first_not_of("/\\") : 0;
  if (slashes == location.npos) return "/";
  if (slashes > 1) location.erase(1, slashes - 1);
  return location;
}

bool is_dots(std::string_view segment) {
  std::size_t dots = 0;
  while (!segment.empty()) {
    const bool encoded =
        segment.size() >= 3 && segment[0] == '%' && segment[1] == '2' && http::to_lower(segment[2]) == 'e';
    if (!encoded && segment.front() != '.') return false;
    segment.remove_prefix(encoded ? 3 : 1);
    ++dots;
  }
  return dots == 1 || dots == 2;
}
}  // namespace

bool has_dot_segment(std::string_view path) {
  while (!path.empty()) {
    const std::size_t end = path.find_first_of("/\\");
    if (is_dots(path.substr(0, end))) return true;
    if (end == path.npos) return false;
    path.remove_prefix(end + 1);
  }
  return false;
}

FieldRules::FieldRules(const ipc::FieldRuleSettings& settings) {
  for (const std::string& name : settings.remove) rules_.push_back({.what = What::kRemove, .name = name, .value = {}});
  for (const auto& [name, value] : settings.set)
    rules_.push_back({.what = What::kSet, .name = name, .value = parsed(value)});
  for (const auto& [name, value] : settings.add)
    rules_.push_back({.what = What::kAdd, .name = name, .value = parsed(value)});
}

void FieldRules::apply(http::Fields& fields, const RequestFacts& facts) const {
  for (const Rule& rule : rules_) {
    if (rule.what == What::kRemove) {
      fields.remove(rule.name);
      continue;
    }
    const std::string value = rendered(rule.value, facts, Escape::kNone);
    const Result<> done =
        rule.what == What::kSet ? fields.set(rule.name, http::trim(value)) : fields.add(rule.name, http::trim(value));
    // a value from the network that no field can hold: rather no field than the client's own
    if (!done && rule.what == What::kSet) fields.remove(rule.name);
  }
}

std::unique_ptr<RouteRules> RouteRules::make(const ipc::RouteSettings& settings) {
  auto rules = std::make_unique<RouteRules>(settings);
  const bool any =
      rules->answers() || rules->rewrites_ || !rules->request_fields_.empty() || !rules->response_fields_.empty();
  return any ? std::move(rules) : nullptr;
}

RouteRules::RouteRules(const ipc::RouteSettings& settings)
    : path_(without_slash(settings.path)),
      replace_path_(without_slash(settings.replace_path)),
      rewrites_(!settings.replace_path.empty()),
      request_fields_(settings.request_fields),
      response_fields_(settings.response_fields),
      status_(status_of(settings)),
      location_(parsed(settings.redirect.to)),
      body_(settings.redirect.to.empty() ? settings.respond.body : std::string()),
      answer_fields_(ipc::FieldRuleSettings{.remove = {}, .set = settings.respond.fields, .add = {}}) {}

void RouteRules::fill(http::Fields& fields, const RequestFacts& facts) const {
  if (!location_.empty()) {
    const std::string location = safe_location(rendered(location_, facts, Escape::kNone));
    if (http::is_field_value(location)) fields.set(http::FieldId::kLocation, location);
  }
  answer_fields_.apply(fields, facts);
  if (!body_.empty() && !fields.has(http::FieldId::kContentType))
    fields.add(http::FieldId::kContentType, "text/plain; charset=utf-8");
}

Result<> RouteRules::rewrite(http::RequestHead& request) const {
  if (!rewrites_ || !request.path_and_query().starts_with('/')) return {};
  if (has_dot_segment(request.path()))
    return fail(Error(Code::kBadSyntax, "a path with dot segments on a route that replaces paths").from(Side::kClient));
  std::string path = replace_path_;
  path += request.path_and_query().substr(path_.size());
  if (!path.starts_with('/')) path.insert(0, 1, '/');
  return request.set_path(path);
}

}  // namespace sluice::worker
