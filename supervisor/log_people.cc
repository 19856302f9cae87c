// Log lines for a terminal (declared in log_line.h). Values keep JSON's escapes, so nothing in them moves the terminal.
#include <nlohmann/json.hpp>

#include "supervisor/log_line.h"

namespace sluice::supervisor {
namespace {

struct Look {
  std::string_view word;
  std::string_view colour;
};

Look look(std::string_view level) {
  if (level == "error") return {"ERROR", "\x1b[31m"};
  if (level == "warn") return {"WARN ", "\x1b[33m"};
  if (level == "debug") return {"DEBUG", "\x1b[2m"};
  return {"INFO ", "\x1b[32m"};
}

std::string text_of(const nlohmann::ordered_json& line, const char* key) {
  const auto found = line.find(key);
  return found != line.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool needs_no_quotes(std::string_view text) {
  return !text.empty() && text.find_first_of(" \"\\=") == std::string_view::npos;
}

// As it is when that is unmistakable, else as JSON, whose escapes are harmless on a terminal.
std::string shown(const nlohmann::ordered_json& value) {
  if (!value.is_string()) return value.dump();
  const auto& text = value.get_ref<const std::string&>();
  std::string quoted;
  append_json_string(quoted, text);
  const bool plain = quoted.size() == text.size() + 2 && needs_no_quotes(text);
  return plain ? text : quoted;
}

}  // namespace

std::string for_people(std::string_view json_line, Colour colour) {
  const auto line = nlohmann::ordered_json::parse(json_line, nullptr, /*allow_exceptions=*/false);
  if (!line.is_object()) return std::string(json_line);
  const std::string time = text_of(line, "time");
  const Look level = look(text_of(line, "level"));
  constexpr std::size_t kTimeAt = 11;
  constexpr std::size_t kTimeLength = 12;
  std::string out =
      time.size() > kTimeAt + kTimeLength ? time.substr(kTimeAt, kTimeLength) : std::string(kTimeLength, '-');
  out += ' ';
  if (colour == Colour::kOn) out += level.colour;
  out += level.word;
  if (colour == Colour::kOn) out += "\x1b[0m";
  out += ' ';
  const auto tenant = line.find("tenant");
  const auto worker = line.find("worker");
  if (tenant != line.end() && worker != line.end()) out += shown(*tenant) + "/" + shown(*worker) + " ";
  std::string event;
  append_json_string(event, text_of(line, "event"));
  out += event.substr(1, event.size() - 2);
  for (const auto& [key, value] : line.items()) {
    if (key == "time" || key == "level" || key == "event") continue;
    if ((key == "tenant" || key == "worker") && tenant != line.end() && worker != line.end()) continue;
    out += "  ";
    out += shown(nlohmann::ordered_json(key));
    out += '=';
    out += shown(value);
  }
  out += '\n';
  return out;
}

}  // namespace sluice::supervisor
