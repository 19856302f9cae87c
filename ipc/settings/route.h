// Settings of a route: which requests it takes, and what becomes of them: passed on with changes, redirected, answered.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/settings/describe.h"
#include "ipc/settings/checks.h"

namespace sluice::ipc {

struct FieldRuleSettings {
  std::vector<std::string> remove;
  std::map<std::string, std::string> set;
  std::map<std::string, std::string> add;

  static constexpr std::string_view about =
      "Changes to header fields, in this order: remove, set, add. Not for fields that frame the message or belong to "
      "one hop. Values may hold ${scheme}, ${authority}, ${host}, ${path}, ${query}, ${target} (path and query), "
      "${method}, ${client} (address), ${user}, ${request_id} and ${endpoint} of the client's request.";
  static constexpr void describe(auto& f) {
    using S = FieldRuleSettings;
    f(&S::remove, "remove", "Names of fields that go.").check(kRuleField);
    f(&S::set, "set", "Fields that replace all of that name.").check(kFieldTemplate).key_check(kRuleField).filled();
    f(&S::add, "add", "Fields that are added to those of that name.")
        .check(kFieldTemplate)
        .key_check(kRuleField)
        .filled();
  }
};
static_assert(settings::complete<FieldRuleSettings>());

struct RedirectSettings {
  std::string to;
  std::uint16_t status = 308;

  static constexpr std::string_view about = "Answer with a redirect, in place of an upstream.";
  static constexpr void describe(auto& f) {
    using S = RedirectSettings;
    f(&S::to, "to",
      "Location, such as \"https://${host}${target}\"; placeholders as in `request_fields`. Empty: no redirect.")
        .check(kFieldTemplate);
    f(&S::status, "status", "301, 302, 303, 307 or 308; the last two keep the method.").range(301, 308);
  }
};
static_assert(settings::complete<RedirectSettings>());

struct RespondSettings {
  std::uint16_t status = 0;
  std::string body;
  std::map<std::string, std::string> fields;

  static constexpr std::string_view about = "Give an answer written here, in place of an upstream.";
  static constexpr void describe(auto& f) {
    using S = RespondSettings;
    f(&S::status, "status", "Its status.").range(200, 599).zero("no such answer");
    f(&S::body, "body", "Its body, as it is written.");
    f(&S::fields, "fields",
      "Its header fields; placeholders as in `request_fields`. Without Content-Type a body is text/plain.")
        .check(kFieldTemplate)
        .key_check(kRuleField);
  }
};
static_assert(settings::complete<RespondSettings>());

struct RouteSettings {
  std::vector<std::string> hosts;
  std::string path = "/";
  std::string upstream;
  std::string replace_path;
  FieldRuleSettings request_fields;
  FieldRuleSettings response_fields;
  RedirectSettings redirect;
  RespondSettings respond;

  static constexpr std::string_view about =
      "Where requests go in reverse mode. An exact host wins over \"*.\", that over a route for all hosts; among those "
      "the longest path. A request that no route wants is answered with 404. Each route has one of `upstream`, "
      "`redirect` and `respond`.";
  static constexpr void describe(auto& f) {
    using S = RouteSettings;
    f(&S::hosts, "hosts",
      "Hosts of this route: exact names, or \"*.example.org\" for every name below example.org (not itself). Without "
      "ports. An empty list means every host.")
        .check(kHostPattern);
    f(&S::path, "path", "Path prefix, on whole segments: /api takes /api and /api/x, not /apiary.").check(kPathPrefix);
    f(&S::upstream, "upstream", "Name of the tenant's upstream that serves it.").check(kOptionalName);
    f(&S::replace_path, "replace_path",
      "What the origin gets in place of `path`: with path /api, \"/v2\" makes /v2/x of /api/x, and \"/\" makes /x. "
      "A path with dot segments is then answered with 400. Empty: the path as the client sent it.")
        .check(kOptionalPathPrefix);
    f(&S::request_fields, "request_fields", "");
    f(&S::response_fields, "response_fields", "");
    f(&S::redirect, "redirect", "");
    f(&S::respond, "respond", "");
  }
};
static_assert(settings::complete<RouteSettings>());

}  // namespace sluice::ipc
