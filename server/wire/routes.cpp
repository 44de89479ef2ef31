#include "server/wire/routes.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>
#include <tuple>

#include "server/wire/form.hpp"

namespace sagelet::wire {
namespace {

using model::Location;
using model::Member;

/// The next part of `text` up to `separator`; takes it off.
std::string_view take(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(end == text.size() ? end : end + 1);
  return part;
}

std::string_view without_slash(std::string_view path) {
  if (!path.empty() && path.front() == '/') path.remove_prefix(1);
  return path;
}

}  // namespace

/// The raw query, split once. Keys that matter to routing are plain ASCII, so nothing is decoded.
struct RouteTable::Query {
  explicit Query(std::string_view text) {
    while (!text.empty()) {
      std::string_view pair = take(text, '&');
      const std::string_view key = take(pair, '=');
      pairs.emplace_back(key, pair);
    }
  }
  bool has(std::string_view key) const {
    return std::any_of(pairs.begin(), pairs.end(), [key](const auto& pair) { return pair.first == key; });
  }
  bool has(const Literal& literal) const {
    return std::any_of(pairs.begin(), pairs.end(), [&literal](const auto& pair) {
      return pair.first == literal.key && (literal.any_value || pair.second == literal.value);
    });
  }
  std::vector<std::pair<std::string_view, std::string_view>> pairs;
};

RouteTable::Route RouteTable::route_of(const model::Operation& operation, std::string_view query) {
  Route route{.operation = &operation};
  while (!query.empty()) {
    std::string_view pair = take(query, '&');
    const bool any = pair.find('=') == std::string_view::npos;
    const std::string_view key = take(pair, '=');
    route.literals.push_back({key, pair, any});
  }
  if (operation.input == nullptr) return route;
  for (const Member& member : operation.input->members) {
    if (!member.required) continue;
    if (member.location == Location::kQuery) route.required_query.push_back(member.key());
    if (member.location == Location::kHeader) route.required_headers.push_back(member.key());
  }
  return route;
}

RouteTable::Group& RouteTable::group_of(std::string_view method, std::string_view path) {
  for (Group& group : groups_) {
    if (group.method == method && group.path == path) return group;
  }
  Group group{.method = method, .path = path};
  for (std::string_view rest = without_slash(path); !rest.empty();) {
    std::string_view part = take(rest, '/');
    const bool label = part.size() > 2 && part.front() == '{' && part.back() == '}';
    if (label) part = part.substr(1, part.size() - 2);
    const bool greedy = label && part.back() == '+';
    if (greedy) part.remove_suffix(1);
    group.segments.push_back({part, label, greedy});
  }
  return groups_.emplace_back(std::move(group));
}

RouteTable::RouteTable(const model::ServiceModel& service) {
  for (const model::Operation& operation : service.operations) {
    const std::string_view uri = operation.request_uri;
    Group& group = group_of(operation.http_method, path_of(uri));
    group.routes.push_back(route_of(operation, query_of(uri)));
  }
  for (Group& group : groups_) {
    std::ranges::stable_sort(group.routes, [](const Route& a, const Route& b) {
      return std::tuple(b.literals.size(), a.operation->deprecated) <
             std::tuple(a.literals.size(), b.operation->deprecated);
    });
  }
  std::ranges::stable_sort(groups_, [](const Group& a, const Group& b) {
    const auto literal = [](const Segment& segment) { return !segment.label; };
    return std::ranges::count_if(a.segments, literal) > std::ranges::count_if(b.segments, literal);
  });
}

bool RouteTable::fits(const Group& group, std::string_view path, std::vector<std::string_view>& labels) {
  labels.clear();
  std::string_view rest = without_slash(path);
  for (const Segment& segment : group.segments) {
    if (segment.greedy && &segment == &group.segments.back()) {
      labels.push_back(rest);
      return !rest.empty();
    }
    // A greedy label in front of others leaves them the last segments.
    std::string_view part;
    if (segment.greedy) {
      std::size_t end = rest.size();
      for (std::size_t after = group.segments.size() - (&segment - group.segments.data()) - 1; after > 0;
           --after) {
        end = end == 0 ? std::string_view::npos : rest.rfind('/', end - 1);
        if (end == std::string_view::npos) return false;
      }
      part = rest.substr(0, end);
      rest.remove_prefix(end + 1);
    } else {
      part = take(rest, '/');
    }
    if (segment.label ? part.empty() : part != segment.text) return false;
    if (segment.label) labels.push_back(part);
  }
  return rest.empty();
}

/// Among the routes with the most literals that are all there: one whose required members are all there, the
/// more of them the better; else the one that lacks the fewest (the validator then says what is missing).
const RouteTable::Route* RouteTable::choose(const Group& group, const Query& query, const http::Head& head) {
  const Route* best = nullptr;
  std::tuple<std::size_t, std::size_t> best_rank;
  for (const Route& route : group.routes) {
    if (best != nullptr && route.literals.size() < best->literals.size()) break;
    const bool all = std::all_of(route.literals.begin(), route.literals.end(),
                                 [&query](const Literal& literal) { return query.has(literal); });
    if (!all) continue;
    std::size_t met = 0;
    for (const std::string_view key : route.required_query) met += query.has(key) ? 1 : 0;
    for (const std::string_view name : route.required_headers) met += head.headers.has(name) ? 1 : 0;
    const std::size_t lacking = route.required_query.size() + route.required_headers.size() - met;
    const std::tuple rank(lacking, ~met);
    if (best != nullptr && rank >= best_rank) continue;
    best = &route;
    best_rank = rank;
  }
  return best;
}

Match RouteTable::find(const http::Head& head, std::string_view target) const {
  const std::string_view path = path_of(target);
  const Query query(query_of(target));
  std::vector<std::string_view> labels;
  labels.reserve(4);
  for (const Group& group : groups_) {
    if (group.method != head.method || !fits(group, path, labels)) continue;
    const Route* route = choose(group, query, head);
    if (route == nullptr) continue;
    Match match{.operation = route->operation};
    match.labels.reserve(labels.size());
    std::size_t next = 0;
    for (const Segment& segment : group.segments) {
      if (segment.label) match.labels.emplace_back(segment.text, decode_path(labels[next++]));
    }
    return match;
  }
  return {};
}

const RouteTable* RouteTable::of(const model::ServiceModel& service) {
  static std::array<std::once_flag, 32> once;
  static std::array<std::unique_ptr<RouteTable>, 32> tables;
  const auto all = model::services();
  for (std::size_t i = 0; i < all.size() && i < tables.size(); ++i) {
    if (all[i] != &service) continue;
    std::call_once(once[i], [&] { tables[i] = std::make_unique<RouteTable>(service); });
    return tables[i].get();
  }
  return nullptr;
}

}  // namespace sagelet::wire
