#pragma once
// GetMetricData: queries that name a metric, and expressions that speak of other queries.
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "server/model/document.hpp"
#include "server/services/cloudwatch/expression.hpp"
#include "server/services/service.hpp"

namespace sagelet::cloudwatch {

/// One request's. Each expression is computed once, when it is first spoken of.
class DataQueries {
 public:
  /// The values of a MetricStat.
  using Read = std::function<Reply<Points>(const Document& metric_stat)>;

  DataQueries(const Document& queries, Span span, bool oldest_first)
      : queries_(queries), span_(span), oldest_first_(oldest_first) {}
  /// MetricDataResults.
  Reply<Document> answer(const Read& read);

 private:
  Reply<void> read_metrics(const Read& read);
  Result<Value> value_of(std::string_view id);
  Result<Value> computed(const std::string& id, const Document& query);
  void show(Document& results, const Document& query, const Series& series, bool one_of_many) const;

  const Document& queries_;
  const Span span_;
  const bool oldest_first_;
  std::vector<Series> metrics_;
  std::map<std::string, Value, std::less<>> values_;
  std::set<std::string, std::less<>> open_;  ///< expressions being computed
};

}  // namespace sagelet::cloudwatch
