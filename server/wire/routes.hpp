#pragma once
// Which operation a REST request is: by method, path, literal query keys, and the members that an operation
// requires in query or headers (UploadPartCopy is UploadPart with x-amz-copy-source).
#include <string>
#include <string_view>
#include <vector>

#include "server/http/message.hpp"
#include "server/model/shapes.hpp"
#include "server/wire/protocol.hpp"

namespace sagelet::wire {

/// Immutable after construction; find() is thread-safe.
class RouteTable {
 public:
  explicit RouteTable(const model::ServiceModel& service);
  /// `operation` is null when nothing fits.
  Match find(const http::Head& head, std::string_view target) const;

  /// The table of a compiled-in service, built at its first use. Null for a model made at run time.
  static const RouteTable* of(const model::ServiceModel& service);

 private:
  struct Literal {
    std::string_view key, value;
    bool any_value = true;
  };
  struct Segment {
    std::string_view text;  ///< literal text, or the label's name
    bool label = false;
    bool greedy = false;
  };
  struct Route {
    const model::Operation* operation = nullptr;
    std::vector<Literal> literals;
    std::vector<std::string_view> required_query, required_headers;
  };
  /// Operations of one method and one path.
  struct Group {
    std::string_view method, path;
    std::vector<Segment> segments;
    std::vector<Route> routes;  ///< most literals first
  };
  struct Query;

  static Route route_of(const model::Operation& operation, std::string_view query);
  Group& group_of(std::string_view method, std::string_view path);
  static bool fits(const Group& group, std::string_view path, std::vector<std::string_view>& labels);
  static const Route* choose(const Group& group, const Query& query, const http::Head& head);

  std::vector<Group> groups_;  ///< the most literal path first
};

}  // namespace sagelet::wire
