package dev.come.distill;

import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * How training went. As a part of come.json, by the rules of {@link dev.come.checkpoint.RecordJson}:
 *
 * <pre>
 * field                    | type    | meaning, unit                                                | absent
 * -------------------------|---------|--------------------------------------------------------------|---------------------
 * best_step                | integer | step with the least validation loss, whose weights were kept |
 * stopped                  | string  | why training was given up early                              | it was not
 * points[].step            | integer | step; 0: before the first                                    |
 * points[].tokens          | integer | tokens so far                                                |
 * points[].learning_rate   | number  | rate of the step                                             |
 * points[].training_loss   | number  | mean since the point before; null: not measured              |
 * points[].validation_loss | number  | what training makes less                                     |
 * points[].kl              | number  | of hidden states, nats; null: not measured                   |
 * points[].mse             | number  | of hidden states; null: not measured                         |
 * points[].cosine          | number  | 1 - cosine of hidden states; null: not measured              |
 * points[].next_token_kl   | number  | of the next tokens, nats                                     | it is the whole loss
 * points[].hidden_term     | number  | the hidden-state term                                        | no hidden-state term
 * points[].cross_entropy   | number  | of the text, nats; the last token of a window counts as 0    | no --ce-weight
 * </pre>
 *
 * @param points the start first
 * @param bestStep after which step the validation loss was least; the weights are those of that moment
 * @param stopped why it was given up early; empty if it was not
 */
public record Curve(List<Point> points, int bestStep, String stopped) {
    public Curve {
        points = List.copyOf(points);
    }

    /** Whether there are better weights than at the start. */
    public boolean improved() {
        return bestStep > 0;
    }

    /** What was measured before the first step. */
    public Measures start() {
        return points.getFirst().validation();
    }

    /** What was measured with the weights that were kept. */
    public Measures best() {
        return points.stream().filter(point -> point.step() == bestStep).findFirst().orElseThrow().validation();
    }

    /** For the record. */
    public ObjectNode toJson() {
        ObjectNode curve = JsonNodeFactory.instance.objectNode();
        curve.put("best_step", bestStep);
        if (!stopped.isEmpty()) {
            curve.put("stopped", stopped);
        }
        ArrayNode list = curve.putArray("points");
        for (Point point : points) {
            ObjectNode entry = list.addObject();
            entry.put("step", point.step());
            entry.put("tokens", point.tokens());
            entry.put("learning_rate", point.learningRate());
            put(entry, "training_loss", point.trainingLoss());
            put(entry, "validation_loss", point.validation().loss());
            put(entry, "kl", point.validation().kl());
            put(entry, "mse", point.validation().mse());
            put(entry, "cosine", point.validation().cosine());
            if (point.validation().hasParts()) {
                put(entry, "next_token_kl", point.validation().nextTokens());
            }
            if (point.validation().hasHidden()) {
                put(entry, "hidden_term", point.validation().hidden());
            }
            if (point.validation().hasCrossEntropy()) {
                put(entry, "cross_entropy", point.validation().crossEntropy());
            }
        }
        return curve;
    }

    /** Reads what {@link #toJson} wrote. */
    static Curve of(JsonNode curve) {
        List<Point> points = curve.path("points").valueStream().map(entry -> new Point(entry.path("step").asInt(),
                entry.path("tokens").asLong(), entry.path("learning_rate").asDouble(), get(entry, "training_loss"),
                new Measures(get(entry, "validation_loss"), get(entry, "kl"), get(entry, "mse"),
                        get(entry, "cosine"), get(entry, "next_token_kl"), get(entry, "hidden_term"),
                        get(entry, "cross_entropy"))))
                .toList();
        return new Curve(points, curve.path("best_step").asInt(), curve.path("stopped").asString(""));
    }

    /** JSON has no NaN. */
    private static void put(ObjectNode entry, String key, double value) {
        if (Double.isFinite(value)) {
            entry.put(key, value);
        } else {
            entry.putNull(key);
        }
    }

    private static double get(JsonNode entry, String key) {
        return entry.path(key).isNumber() ? entry.path(key).asDouble() : Double.NaN;
    }
}
