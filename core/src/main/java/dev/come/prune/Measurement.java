package dev.come.prune;

import dev.come.FailedException;
import dev.come.checkpoint.RecordJson;
import java.util.OptionalDouble;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * A number that was measured on one stack of a plan's history.
 *
 * @param layers which stack: the one with so many layers
 * @param metric the full name of the number
 * @param logError standard error of the logarithm of the value, if it is the mean of several windows
 */
public record Measurement(int layers, String metric, double value, OptionalDouble logError) {
    static final String LOG_ERROR = "log_stderr";

    /** Reads what {@link #toJson} wrote. */
    public static Measurement of(JsonNode json, int layers) {
        JsonNode error = json.path(LOG_ERROR);
        return new Measurement(layers, json.path("metric").asString(), json.path("value").asDouble(),
                error.isNumber() ? OptionalDouble.of(error.asDouble()) : OptionalDouble.empty());
    }

    /**
     * As JSON, without the number of layers.
     *
     * @throws FailedException if the value is not finite
     */
    ObjectNode toJson() {
        ObjectNode node = JsonNodeFactory.instance.objectNode().put("metric", metric).put("value",
                RecordJson.finite(value, metric + " of " + layers + " layers"));
        logError.ifPresent(error -> node.put(LOG_ERROR, error));
        return node;
    }
}
