package dev.come.demo;

import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.UsageException;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.IoReason;
import dev.come.checkpoint.Leftovers;
import dev.come.prune.PruningPlan;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/**
 * The folder that {@code come demo} writes: the dense model, the texts, and the pruned model, which is replaced when the demo is
 * run again. Nothing in it is written over that is not the demo's own: files that are copied are known by their content,
 * the pruned model by its record and by holding nothing besides.
 */
public final class DemoFolder {
    private static final Set<String> PRUNED_FILES = Set.of(PruningPlan.FILE_NAME, "run.json", "report.html",
            "README.md", "config.json",
            "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json");

    private final Path folder;
    private final OwnFiles files;

    public DemoFolder(Path folder) {
        this.folder = folder;
        files = DemoModel.files(dense());
        files.add(calibrationText(), DemoModel.calibrationText().getBytes(StandardCharsets.UTF_8));
        files.add(testText(), DemoModel.testText().getBytes(StandardCharsets.UTF_8));
    }

    public Path dense() {
        return folder.resolve("dense");
    }

    public Path calibrationText() {
        return folder.resolve("calibration.txt");
    }

    public Path testText() {
        return folder.resolve("test.txt");
    }

    public Path pruned() {
        return folder.resolve("pruned");
    }

    /**
     * Writes the dense model and the texts.
     *
     * @throws UsageException when something is in the way that is not the demo's own; then nothing is written
     * @throws FailedException when the folder cannot be written to
     */
    public void write() {
        files.check();
        files.write();
    }

    /**
     * Writes what the demo begins with.
     *
     * @param method the method that the demo prunes with
     * @param targetLayers the layers that it leaves
     * @throws UsageException when something is in the way that is not the demo's own; then nothing is written
     * @throws FailedException when the folder cannot be written to
     */
    public void prepare(String method, int targetLayers) {
        files.check();
        Leftovers.tidyFiles(pruned()); // of one that was killed while it wrote the page
        List<String> inTheWay = namesIn(pruned());
        boolean own = inTheWay.contains(PruningPlan.FILE_NAME) && PRUNED_FILES.containsAll(inTheWay)
                && Files.isDirectory(dense()) && isOwn(method, targetLayers);
        if (!inTheWay.isEmpty() && !own) {
            throw new UsageException(pruned() + " is there already and is not what the demo makes, so it is not"
                    + " replaced; move it away, or give another --save-path");
        }
        files.write();
    }

    /** Whether the record of the pruned model is that of a run of the demo. */
    private boolean isOwn(String method, int targetLayers) {
        try (Checkpoint checkpoint = Checkpoint.open(dense())) {
            JsonNode settings = PruningPlan.read(pruned().resolve(PruningPlan.FILE_NAME)).settings();
            return settings.path("model").path("fingerprint").asString().equals(checkpoint.fingerprint())
                    && settings.path("method").asString().equals(method)
                    && settings.path(PruningPlan.TARGET_LAYERS).asInt() == targetLayers
                    && !settings.has(PruningPlan.DISTILLATION) && !settings.has(PruningPlan.HEALING);
        } catch (InvalidInputException _) {
            return false;
        }
    }

    private static List<String> namesIn(Path path) {
        if (!Files.exists(path)) {
            return List.of();
        }
        if (!Files.isDirectory(path)) {
            return List.of(path.getFileName().toString());
        }
        try (Stream<Path> content = Files.list(path)) {
            return content.map(file -> file.getFileName().toString()).collect(Collectors.toList());
        } catch (IOException e) {
            throw new FailedException("%s cannot be listed (%s); give another --save-path".formatted(path,
                    IoReason.of(e)), e);
        }
    }
}
