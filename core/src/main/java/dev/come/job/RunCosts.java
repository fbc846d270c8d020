package dev.come.job;

import dev.come.checkpoint.AtomicFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * What the methods of a run took so far, which their plans do not tell. It is kept in a file beside the target until the run has
 * ended, and stands in its comparison afterwards; so a run that goes on tells it of what was done before, too.
 */
final class RunCosts {
    private static final String FILE_NAME = "costs.json";
    private static final JsonMapper JSON = new JsonMapper();

    private final Path file;
    private final Map<Key, Cost> costs = new LinkedHashMap<>();

    /** @param tree the layers that the method had got to, so that nothing of another run is taken for this one's */
    private record Key(String method, String tree) {}

    /**
     * What a method took.
     *
     * @param choosing to choose the layers
     * @param healing to heal them
     * @param peakBytes the most memory meanwhile, where the system tells
     */
    record Cost(Duration choosing, Duration healing, OptionalLong peakBytes) {
        static final Cost NONE = new Cost(Duration.ZERO, Duration.ZERO, OptionalLong.empty());

        /** With the time that more choosing took. */
        Cost plusChoosing(Duration more, OptionalLong peak) {
            return new Cost(choosing.plus(more), healing, larger(peak));
        }

        /** With the time that more healing took. */
        Cost plusHealing(Duration more, OptionalLong peak) {
            return new Cost(choosing, healing.plus(more), larger(peak));
        }

        private OptionalLong larger(OptionalLong peak) {
            return peak.isPresent() && peak.getAsLong() > peakBytes.orElse(0) ? peak : peakBytes;
        }
    }

    /**
     * What is known.
     *
     * @param folder keeps it while the run goes on
     * @param comparison of an earlier run to the same target, which need not be there
     */
    RunCosts(Path folder, Path comparison) {
        this.file = folder.resolve(FILE_NAME);
        read(comparison);
        read(file);
    }

    /** Whether a file in the folder of a run is this one. */
    static boolean isOne(Path file) {
        return file.endsWith(FILE_NAME);
    }

    /** What a method took to get to these layers. */
    Cost of(String method, String tree) {
        return Optional.ofNullable(costs.get(new Key(method, tree))).orElse(Cost.NONE);
    }

    /** Keeps what a method took to get to these layers. */
    void keep(String method, String tree, Cost cost) {
        costs.keySet().removeIf(key -> key.method.equals(method));
        costs.put(new Key(method, tree), cost);
        write();
    }

    /** Forgets a method that cannot get there. */
    void forget(String method) {
        if (costs.keySet().removeIf(key -> key.method.equals(method)) && Files.exists(file)) {
            write();
        }
    }

    private void write() {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        costs.forEach((key, one) -> {
            ObjectNode entry = root.withArray("methods").addObject().put("method", key.method).put("tree", key.tree)
                    .put("seconds", seconds(one.choosing)).put("healing_seconds", seconds(one.healing));
            one.peakBytes.ifPresent(bytes -> entry.put("peak_bytes", bytes));
        });
        AtomicFile.write(file, JSON.writeValueAsString(root));
    }

    /** Both files have a list of methods with fields of the same names. What is damaged is not known, which hinders nothing. */
    private void read(Path from) {
        if (!Files.exists(from)) {
            return;
        }
        try {
            for (JsonNode entry : JSON.readTree(from).path("methods")) {
                if (entry.path("seconds").isNumber()) {
                    costs.put(new Key(entry.path("method").asString(), entry.path("tree").asString()),
                            new Cost(duration(entry, "seconds"), duration(entry, "healing_seconds"),
                                    entry.path("peak_bytes").canConvertToLong()
                                            ? OptionalLong.of(entry.path("peak_bytes").longValue())
                                            : OptionalLong.empty()));
                }
            }
        } catch (JacksonException _) {
            costs.clear();
        }
    }

    private static double seconds(Duration time) {
        return time.toMillis() / 1000.0;
    }

    private static Duration duration(JsonNode entry, String key) {
        return Duration.ofMillis(Math.round(entry.path(key).asDouble(0) * 1000));
    }
}
