package dev.come.evaluate;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reading comprehension: an article, problems with their answers, and a last problem that is asked. Up to version 2.0 the task
 * kept the wrong end of a question with a gap; older published numbers have it so.
 */
final class Race {
    private static final String GAP = "  _  .";
    private static final int KEPT_OF_GAP = 5;

    private Race() {
    }

    /** One row for each article, in the order in which they come first; rows that have {@code problems} are such rows. */
    static List<ObjectNode> byArticle(List<ObjectNode> rows) {
        if (rows.stream().anyMatch(row -> !row.has("example_id") || row.has("problems"))) {
            return rows;
        }
        Map<String, ObjectNode> articles = new LinkedHashMap<>();
        for (ObjectNode row : rows) {
            ObjectNode article = articles.computeIfAbsent(row.path("example_id").asString(), _ -> {
                ObjectNode first = JsonNodeFactory.instance.objectNode();
                first.set("article", row.path("article"));
                first.putArray("problems");
                return first;
            });
            ObjectNode problem = ((ArrayNode) article.get("problems")).addObject();
            List.of("question", "answer", "options").forEach(field -> problem.set(field, row.path(field)));
        }
        return List.copyOf(articles.values());
    }

    /** Makes {@code context}, {@code options} and {@code gold}. */
    static ObjectNode prepare(ObjectNode row, String taskVersion) {
        JsonNode given = row.path("problems");
        JsonNode problems = given.isString() ? PythonLiteral.parse(given.stringValue()) : given;
        if (!problems.isArray() || problems.isEmpty()) {
            throw new IllegalArgumentException("field problems holds no list of problems; the fields are "
                    + row.propertyNames());
        }
        StringBuilder context = new StringBuilder("Article: " + Preparation.text(row, "article") + "\n\n");
        for (JsonNode problem : problems.valueStream().limit(problems.size() - 1L).toList()) {
            String question = problem.path("question").asString();
            String answer = problem.path("options").path(answer(problem)).asString();
            if (question.endsWith(GAP)) {
                int cut = question.length() - KEPT_OF_GAP;
                context.append(taskVersion.equals("2.0") ? question.substring(cut) : question.substring(0, cut))
                        .append(answer).append('\n');
            } else {
                context.append("Question: ").append(question).append("\nAnswer: ").append(answer).append('\n');
            }
        }
        JsonNode last = problems.path(problems.size() - 1);
        ObjectNode result = JsonNodeFactory.instance.objectNode();
        result.put("context", context + last.path("question").asString());
        result.set("options", last.path("options"));
        result.put("gold", answer(last));
        return result;
    }

    private static int answer(JsonNode problem) {
        String answer = problem.path("answer").asString("");
        int index = answer.length() == 1 ? "ABCD".indexOf(answer) : -1;
        if (index < 0 || index >= problem.path("options").size()) {
            throw new IllegalArgumentException("a problem has the answer " + problem.path("answer") + " and "
                    + problem.path("options").size() + " options");
        }
        return index;
    }
}
