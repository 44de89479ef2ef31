#include "server/services/cloudwatch/data_queries.hpp"

#include <cmath>

#include "fmt/format.h"

namespace sagelet::cloudwatch {
namespace {

api::Error invalid(std::string message) {
  return api::Error::make("ValidationError", std::move(message));
}

std::string id_of(const Document& query) {
  return query.value("Id", "");
}

}  // namespace

Reply<void> DataQueries::read_metrics(const Read& read) {
  std::set<std::string> ids;
  for (const auto& query : queries_) {
    const std::string id = id_of(query);
    if (!ids.insert(id).second)
      return invalid(fmt::format("The id '{}' is given to more than one query.", id));
    if (query.contains("MetricStat") == query.contains("Expression"))
      return invalid(fmt::format("The query '{}' must have either a MetricStat or an Expression.", id));
    const auto stat = query.find("MetricStat");
    if (stat == query.end()) continue;
    TRY(Points points, read(*stat));
    Series series{.id = id,
                  .label = stat->value("Metric", Document::object()).value("MetricName", ""),
                  .period_ms = stat->value("Period", std::int64_t{60}) * 1000,
                  .points = std::move(points)};
    values_.emplace(id, series);
    metrics_.push_back(std::move(series));
  }
  return {};
}

Result<Value> DataQueries::value_of(std::string_view id) {
  if (const auto found = values_.find(id); found != values_.end()) return found->second;
  for (const auto& query : queries_)
    if (id_of(query) == id) return computed(std::string(id), query);
  return Error(ErrorKind::kInvalid, fmt::format("there is no query with the id '{}'", id));
}

Result<Value> DataQueries::computed(const std::string& id, const Document& query) {
  if (!open_.insert(id).second)
    return Error(ErrorKind::kInvalid, fmt::format("the expression '{}' speaks of itself", id));
  const Surroundings around{
      .span = span_, .metrics = metrics_, .find = [this](std::string_view other) { return value_of(other); }};
  TRY(Value value, evaluate(query.value("Expression", ""), around));
  if (auto* series = std::get_if<Series>(&value)) series->label = series->id = id;
  values_.emplace(id, value);
  return value;
}

void DataQueries::show(Document& results, const Document& query, const Series& series,
                       bool one_of_many) const {
  Document times = Document::array(), values = Document::array();
  const auto add = [&](const auto& point) {
    if (!std::isfinite(point.second)) return;  // a division by zero is no value
    times.push_back(static_cast<double>(point.first) / 1000);
    values.push_back(point.second);
  };
  if (oldest_first_)
    for (auto point = series.points.begin(); point != series.points.end(); ++point) add(*point);
  else
    for (auto point = series.points.rbegin(); point != series.points.rend(); ++point) add(*point);
  const std::string label = query.value("Label", series.label);
  results.push_back({{"Id", id_of(query)},
                     {"Label", one_of_many && query.contains("Label") ? label + " " + series.label : label},
                     {"Timestamps", std::move(times)},
                     {"Values", std::move(values)},
                     {"StatusCode", "Complete"}});
}

Reply<Document> DataQueries::answer(const Read& read) {
  TRY(read_metrics(read));
  Document results = Document::array();
  for (const auto& query : queries_) {
    const auto value = value_of(id_of(query));
    if (!value)
      return invalid(fmt::format("Error in expression '{}': {}.", id_of(query), value.error().message()));
    if (!query.value("ReturnData", true)) continue;
    if (const auto* series = std::get_if<Series>(&*value)) {
      show(results, query, *series, false);
    } else if (const auto* list = std::get_if<std::vector<Series>>(&*value)) {
      for (const Series& one : *list) show(results, query, one, true);
    } else {
      return invalid(fmt::format(
          "Error in expression '{}': it gives a number, and a query must give a series.", id_of(query)));
    }
  }
  return results;
}

}  // namespace sagelet::cloudwatch
