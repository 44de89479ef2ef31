#include "server/services/sagemaker/search_expression.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

#include "base/time_text.hpp"

namespace sagelet::sagemaker {

using nlohmann::json;

namespace {

using Values = std::vector<const json*>;

void collect(const json& node, std::string_view path, Values& values) {
  if (node.is_array()) {
    for (const auto& item : node) collect(item, path, values);
    return;
  }
  if (!node.is_object()) return;
  if (const auto whole = node.find(path); whole != node.end()) {
    values.push_back(&*whole);
    return;
  }
  for (auto dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.', dot + 1))
    if (const auto found = node.find(path.substr(0, dot)); found != node.end())
      collect(*found, path.substr(dot + 1), values);
}

/// The values of a list of {name_member: ..., "Value": ...} under `name`.
Values named_values(const json& record, const char* list, const char* name_member, std::string_view name) {
  Values values;
  const auto found = record.find(list);
  if (found == record.end()) return values;
  for (const auto& item : *found)
    if (item.at(name_member) == name) values.push_back(&item.at("Value"));
  return values;
}

std::optional<double> number_in(std::string_view text) {
  double number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

/// What the filter's text is worth beside a number: itself, or a date's epoch seconds.
std::optional<double> number_or_date(std::string_view text) {
  if (const auto number = number_in(text)) return number;
  if (const auto time = parse_iso8601(text)) return to_epoch_seconds(*time);
  return std::nullopt;
}

template <class T>
int order_of(const T& a, const T& b) {
  return a < b ? -1 : (b < a ? 1 : 0);
}

/// -1, 0, 1; nullopt when the two cannot be compared.
std::optional<int> compare(const json& value, const std::string& text) {
  if (value.is_boolean()) {
    if (text != "true" && text != "false") return std::nullopt;
    return order_of(value.get<bool>(), text == "true");
  }
  if (value.is_number()) {
    const auto other = number_or_date(text);
    if (!other) return std::nullopt;
    return order_of(value.get<double>(), *other);
  }
  if (!value.is_string()) return std::nullopt;
  const auto& own = value.get_ref<const std::string&>();
  const auto a = number_in(own), b = number_in(text);
  if (a && b) return order_of(*a, *b);
  return order_of(own, text);
}

bool is_one_of(const json& value, const std::string& list) {
  std::string_view rest = list;
  while (true) {
    const auto comma = rest.find(',');
    auto item = rest.substr(0, comma);
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    if (compare(value, std::string(item)) == 0) return true;
    if (comma == std::string_view::npos) return false;
    rest.remove_prefix(comma + 1);
  }
}

bool holds(const std::string& op, const json& value, const std::string& text) {
  if (op == "Contains")
    return value.is_string() && value.get_ref<const std::string&>().find(text) != std::string::npos;
  if (op == "In") return is_one_of(value, text);
  const auto order = compare(value, text);
  if (!order) return false;
  if (op == "GreaterThan") return *order > 0;
  if (op == "GreaterThanOrEqualTo") return *order >= 0;
  if (op == "LessThan") return *order < 0;
  if (op == "LessThanOrEqualTo") return *order <= 0;
  return *order == 0;
}

bool filter_holds(const json& filter, const json& record, std::string_view name) {
  const std::string op = filter.value("Operator", "Equals");
  const std::string text = filter.value("Value", "");
  const Values values = property(record, name);
  if (op == "Exists") return !values.empty();
  if (op == "NotExists") return values.empty();
  const std::string asked = op == "NotEquals" ? "Equals" : op;
  const bool any =
      std::any_of(values.begin(), values.end(), [&](const json* v) { return holds(asked, *v, text); });
  return op == "NotEquals" ? !any : any;
}

/// Some item of the list satisfies all the filters.
bool nested_hold(const json& nested, const json& record) {
  const std::string list = nested.at("NestedPropertyName");
  const auto item_holds = [&](const json& item) {
    for (const auto& filter : nested.at("Filters")) {
      std::string_view name = filter.at("Name").get_ref<const std::string&>();
      if (name.starts_with(list + ".")) name.remove_prefix(list.size() + 1);
      if (!filter_holds(filter, item, name)) return false;
    }
    return true;
  };
  for (const json* values : property(record, list)) {
    if (!values->is_array() && item_holds(*values)) return true;
    if (values->is_array() && std::any_of(values->begin(), values->end(), item_holds)) return true;
  }
  return false;
}

bool is_text_that_shows(const json& filter) {
  const std::string op = filter.value("Operator", "Equals");
  const std::string name = filter.at("Name"), text = filter.value("Value", "");
  const bool wants_it = (op == "Equals" || op == "Contains") && !name.ends_with("Time");
  const bool plain = std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
  });
  return wants_it && plain && !number_in(text);
}

}  // namespace

Values property(const json& record, std::string_view name) {
  if (name.starts_with("Tags.")) return named_values(record, "Tags", "Key", name.substr(5));
  if (name.starts_with("Metrics."))
    return named_values(record, "FinalMetricDataList", "MetricName", name.substr(8));
  Values values;
  collect(record, name, values);
  return values;
}

bool matches(const json& expression, const json& record) {
  const bool any = expression.value("Operator", "And") == "Or";
  bool something = false;
  const auto settled = [&](const char* member, const auto& judge) {
    const auto found = expression.find(member);
    if (found == expression.end()) return false;
    for (const auto& part : *found) {
      something = true;
      if (judge(part) == any) return true;
    }
    return false;
  };
  const bool decided = settled("Filters",
                               [&](const json& f) {
                                 return filter_holds(f, record, f.at("Name").get_ref<const std::string&>());
                               }) ||
                       settled("NestedFilters", [&](const json& n) { return nested_hold(n, record); }) ||
                       settled("SubExpressions", [&](const json& e) { return matches(e, record); });
  if (!something) return true;
  return decided ? any : !any;
}

bool may_match(const json& expression, std::string_view text) {
  const auto filters = expression.find("Filters");
  if (filters == expression.end() || expression.value("Operator", "And") == "Or") return true;
  return std::all_of(filters->begin(), filters->end(), [&](const json& filter) {
    return !is_text_that_shows(filter) || text.find(filter.value("Value", "")) != std::string_view::npos;
  });
}

}  // namespace sagelet::sagemaker
