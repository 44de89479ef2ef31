#include "compare.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <optional>
#include <vector>

#include "base/time_text.hpp"
#include "nlohmann/json.hpp"
#include "pugixml.hpp"
#include "server/wire/scalars.hpp"

namespace sagelet::golden {
namespace {

using model::Kind;
using model::Member;
using model::Shape;
using nlohmann::json;

std::string differ(const json& expected, const json& ours) {
  const auto shown = [](const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
  };
  return ": expected " + shown(expected) + ", ours " + shown(ours);
}

bool same_number(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || a == b || std::abs(a - b) <= 1e-6 * std::abs(a);
}

std::string inside(std::string_view where, std::string problem) {
  return problem.empty() ? problem : "." + std::string(where) + problem;
}

std::optional<double> number(std::string_view text) {
  static const Shape kDouble{.name = "Double", .kind = Kind::kDouble};
  const auto value = wire::read_scalar(kDouble, text);
  return value ? std::optional(value->get<double>()) : std::nullopt;
}

std::optional<double> moment(const json& value) {
  if (value.is_number()) return value.get<double>();
  static const Shape kTime{.name = "Time", .kind = Kind::kTimestamp};
  const auto read = value.is_string() ? wire::read_scalar(kTime, value.get<std::string>()) : std::nullopt;
  return read ? std::optional(read->get<double>()) : std::nullopt;
}

std::string compare_document(const json& expected, const json& ours) {
  return expected == ours ? "" : differ(expected, ours);
}

std::string compare_scalars(const Shape& shape, const json& expected, const json& ours) {
  if (shape.kind == Kind::kTimestamp) {
    const auto a = moment(expected), b = moment(ours);
    return a && b && std::abs(*a - *b) < 0.0006 ? "" : differ(expected, ours);
  }
  if (expected.is_number() && ours.is_number()) {
    return same_number(expected.get<double>(), ours.get<double>()) ? "" : differ(expected, ours);
  }
  return expected == ours ? "" : differ(expected, ours);
}

std::string compare_members(const Shape& shape, const json& expected, const json& ours) {
  if (!ours.is_object()) return differ(expected, ours);
  for (const Member& member : shape.members) {
    const json here = expected.value(std::string(member.name), json());
    const json there = ours.value(std::string(member.name), json());
    if (here.is_null() && (there.is_null() || member.idempotency_token)) continue;
    if ((here.is_null() || there.is_null()) && here.empty() && there.empty())
      continue;  // the wire cannot tell
    if (here.is_null() || there.is_null()) return inside(member.name, differ(here, there));
    if (member.json_value) {
      if (there != here && json::parse(there.get<std::string>(), nullptr, false) != here)
        return inside(member.name, differ(here, there));
      continue;
    }
    if (auto problem = compare_params(*member.shape, here, there); !problem.empty())
      return inside(member.name, problem);
  }
  return "";
}

std::string compare_items(const Shape& shape, const json& expected, const json& ours) {
  if (!ours.is_array() || expected.size() != ours.size()) return differ(expected, ours);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (expected[i].is_null() && ours[i].is_null()) continue;
    auto problem = compare_params(*shape.element->shape, expected[i], ours[i]);
    if (!problem.empty()) return inside(std::to_string(i), problem);
  }
  return "";
}

std::string compare_entries(const Shape& shape, const json& expected, const json& ours) {
  if (!ours.is_object()) return differ(expected, ours);
  std::size_t count = 0;
  for (const auto& [key, value] : expected.items()) {
    if (value.is_null()) continue;
    ++count;
    if (!ours.contains(key)) return inside(key, ": missing");
    if (auto problem = compare_params(*shape.element->shape, value, ours.at(key)); !problem.empty())
      return inside(key, problem);
  }
  return count == ours.size() ? "" : differ(expected, ours);
}

std::string text_of_blob(const json& value) {
  if (!value.is_binary()) return "not a blob";
  const auto& bytes = value.get_binary();
  return std::string(bytes.begin(), bytes.end());
}

}  // namespace

std::string compare_params(const Shape& shape, const json& expected, const json& ours) {
  if (shape.document_type) return compare_document(expected, ours);
  switch (shape.kind) {
    case Kind::kStructure:
      return compare_members(shape, expected, ours);
    case Kind::kList:
      return compare_items(shape, expected, ours);
    case Kind::kMap:
      return compare_entries(shape, expected, ours);
    case Kind::kBlob:
      return expected.get<std::string>() == text_of_blob(ours) ? "" : differ(expected, ours);
    case Kind::kFloat:
    case Kind::kDouble: {
      const auto named = expected.is_string() ? number(expected.get<std::string>()) : std::nullopt;
      return compare_scalars(shape, named ? json(*named) : expected,
                             ours.is_number() ? json(ours.get<double>()) : ours);
    }
    default:
      return compare_scalars(shape, expected, ours);
  }
}

json document_of(const Shape& shape, const json& params) {
  if (shape.document_type || params.is_null()) return params;
  json out = params;
  if (shape.kind == Kind::kStructure) {
    for (const Member& member : shape.members) {
      const std::string name(member.name);
      if (!params.contains(name)) continue;
      const bool to_text = member.json_value && !params.at(name).is_string();
      out[name] = to_text ? json(params.at(name).dump()) : document_of(*member.shape, params.at(name));
    }
  } else if (shape.kind == Kind::kList || shape.kind == Kind::kMap) {
    for (auto item = out.begin(); item != out.end(); ++item)
      *item = document_of(*shape.element->shape, *item);
  } else if (shape.kind == Kind::kBlob) {
    const auto text = params.get<std::string>();
    out = json::binary({text.begin(), text.end()});
  } else if ((shape.kind == Kind::kFloat || shape.kind == Kind::kDouble) && params.is_string()) {
    out = number(params.get<std::string>()).value_or(0);
  } else if (shape.kind == Kind::kTimestamp) {
    out = moment(params).value_or(0);
  }
  return out;
}

std::string compare_json(const Shape* shape, const json& expected, const json& ours) {
  if (shape == nullptr || shape->document_type) return compare_document(expected, ours);
  if (shape->kind == Kind::kStructure || shape->kind == Kind::kMap) {
    for (const auto& [key, value] : expected.items()) {
      const Shape* inner = shape->kind == Kind::kMap ? shape->element->shape : nullptr;
      for (const Member& member : shape->members) {
        if (member.key() == key) inner = member.shape;
      }
      if (inner == nullptr || value.is_null()) continue;
      if (!ours.is_object() || !ours.contains(key)) return inside(key, ": missing");
      if (auto problem = compare_json(inner, value, ours.at(key)); !problem.empty())
        return inside(key, problem);
    }
    return ours.is_object() && ours.size() <= expected.size() ? "" : differ(expected, ours);
  }
  if (shape->kind == Kind::kList) {
    if (!ours.is_array() || ours.size() != expected.size()) return differ(expected, ours);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      if (expected[i].is_null() && ours[i].is_null()) continue;
      auto problem = compare_json(shape->element->shape, expected[i], ours[i]);
      if (!problem.empty()) return inside(std::to_string(i), problem);
    }
    return "";
  }
  return compare_scalars(*shape, expected, ours);
}

bool same_text(std::string_view a, std::string_view b) {
  const auto blank = [](std::string_view text) {
    return text.find_first_not_of(" \n") == std::string_view::npos;
  };
  if (a == b || (blank(a) && blank(b))) return true;

  const auto number_a = number(a), number_b = number(b);
  if (number_a && number_b) return same_number(*number_a, *number_b);
  const auto time_a = moment(json(std::string(a))), time_b = moment(json(std::string(b)));
  return time_a && time_b && *time_a == *time_b;
}

namespace {

std::string local(const char* name) {
  const char* colon = std::strchr(name, ':');
  return colon == nullptr ? name : colon + 1;
}

struct Element {
  explicit Element(const pugi::xml_node& node) {
    for (const pugi::xml_attribute attribute : node.attributes()) {
      if (std::string_view(attribute.name()).starts_with("xmlns")) continue;
      attributes[attribute.name()] = attribute.value();
    }
    for (const pugi::xml_node child : node.children()) {
      if (child.type() == pugi::node_element) children[local(child.name())].emplace_back(child);
      if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) text += child.value();
    }
    if (!children.empty()) text.clear();
  }
  std::map<std::string, std::string> attributes;
  std::map<std::string, std::vector<Element>> children;
  std::string text;
};

std::string compare_elements(const Element& expected, const Element& ours) {
  if (expected.attributes != ours.attributes) return ": attributes differ";
  if (!same_text(expected.text, ours.text))
    return ": expected '" + expected.text + "', ours '" + ours.text + "'";
  for (const auto& [name, elements] : expected.children) {
    const auto found = ours.children.find(name);
    if (found == ours.children.end()) return inside(name, ": missing");
    if (elements.size() != found->second.size()) return inside(name, ": another number of elements");
    std::vector<Element> left = found->second;  // entries of maps come in any order
    for (const Element& element : elements) {
      const auto same = std::ranges::find_if(
          left, [&](const Element& one) { return compare_elements(element, one).empty(); });
      if (same == left.end()) return inside(name, compare_elements(element, left.front()));
      left.erase(same);
    }
  }
  for (const auto& [name, elements] : ours.children) {
    if (!expected.children.contains(name)) return inside(name, ": not expected");
  }
  return "";
}

std::optional<Element> parse(std::string_view text) {
  pugi::xml_document document;
  if (!document.load_buffer(text.data(), text.size(), pugi::parse_default | pugi::parse_ws_pcdata_single))
    return std::nullopt;
  return Element(document.document_element());
}

}  // namespace

std::string compare_xml(std::string_view expected, std::string_view ours) {
  auto a = parse(expected);
  auto b = parse(ours);
  if (!a || !b)
    return std::string(!a ? ": the vector" : ": ours") + " is no XML: " + std::string(!a ? expected : ours);
  for (const char* extra : {"ResponseMetadata", "RequestId", "requestId"}) {
    a->children.erase(extra);
    b->children.erase(extra);
  }
  return compare_elements(*a, *b);
}

}  // namespace sagelet::golden
