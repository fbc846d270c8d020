package dev.come.evaluate;

import dev.come.checkpoint.Shown;
import dev.come.evaluate.TaskDescription.Generated;
import dev.come.generate.StopTexts;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads what the description of a task says about generated texts.
 *
 * @param json takes its values
 */
record GeneratedJson(TaskJson json) {
    /** Tokens that are generated at most where a task says nothing. */
    private static final int USUAL_TOKENS = 256;

    Generated read(ObjectNode root) {
        json.absent(root, "generate", "choices", "contexts", "continuation", "gold", "metrics", "text", "counted",
                "ending");
        ObjectNode generate = json.object(root, "generate");
        json.known(generate, "generate.", "until", "tokens", "filters", "exact_match");
        int tokens = json.number(generate, "tokens", USUAL_TOKENS);
        if (tokens < 1) {
            throw json.invalid("\"generate.tokens\" is 0, but must be at least 1");
        }
        String answers = json.string(root, "answers");
        JsonNode until = generate.path("until");
        return new Generated(json.string(root, "context"), answers, json.string(root, "solution", answers),
                new StopTexts(until.isArray() && until.isEmpty() ? List.of() : json.strings(generate, "until")), tokens,
                filters(generate), match(generate));
    }

    private SequencedMap<String, List<AnswerFilter>> filters(ObjectNode generate) {
        SequencedMap<String, List<AnswerFilter>> filters = new LinkedHashMap<>();
        if (!generate.has("filters")) {
            filters.put("none", List.of());
            return filters;
        }
        json.object(generate, "filters").properties().forEach(filter -> {
            List<AnswerFilter> steps = new ArrayList<>();
            for (JsonNode step : filter.getValue().isArray() ? filter.getValue() : List.of(filter.getValue())) {
                steps.add(step(step, "generate.filters." + filter.getKey()));
            }
            filters.put(filter.getKey(), List.copyOf(steps));
        });
        if (filters.isEmpty()) {
            throw json.invalid("\"generate.filters\" names no filter; leave it out, or name one");
        }
        return filters;
    }

    private AnswerFilter step(JsonNode step, String key) {
        if (step.isString() && step.stringValue().equals("strip")) {
            return new AnswerFilter.Strip();
        }
        if (!(step instanceof ObjectNode object)) {
            throw json.invalid("\"" + Shown.of(key) + "\" has " + Shown.of(step)
                    + ", but a step is \"strip\" or {\"find\": a regular expression}");
        }
        json.known(object, Shown.of(key) + ".", "find", "match");
        JsonNode match = object.path("match");
        if (object.has("match") && !match.isInt()) {
            throw json.invalid("\"" + Shown.of(key) + ".match\" is " + Shown.of(match)
                    + ", but must be a whole number: 0 is the first match, -1 the last one");
        }
        return new AnswerFilter.Extract(pattern(json.string(object, "find"), key + ".find"),
                object.has("match") ? match.intValue() : 0);
    }

    private ExactMatch match(ObjectNode generate) {
        if (!generate.has("exact_match")) {
            return new ExactMatch(false, false, List.of());
        }
        ObjectNode match = json.object(generate, "exact_match");
        json.known(match, "generate.exact_match.", "ignore_case", "ignore_punctuation", "ignore");
        List<String> ignored = match.has("ignore") ? json.strings(match, "ignore") : List.of();
        return new ExactMatch(yes(match, "ignore_case"), yes(match, "ignore_punctuation"),
                ignored.stream().map(text -> pattern(text, "generate.exact_match.ignore")).toList());
    }

    private boolean yes(ObjectNode object, String key) {
        if (object.has(key) && !object.path(key).isBoolean()) {
            throw json.invalid("\"" + key + "\" is " + Shown.of(object.path(key)) + ", but must be true or false");
        }
        return object.path(key).asBoolean(false);
    }

    /** As Python understands it: all of Unicode has letters and blanks, and only a line feed ends a line. */
    private Pattern pattern(String text, String key) {
        try {
            return Pattern.compile(text, Pattern.UNICODE_CHARACTER_CLASS | Pattern.UNIX_LINES);
        } catch (PatternSyntaxException e) {
            throw json.invalid("\"" + Shown.of(key) + "\" is no regular expression: " + Shown.of(e.getDescription())
                    + " in " + Shown.of(text));
        }
    }
}
