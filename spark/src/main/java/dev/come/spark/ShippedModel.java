package dev.come.spark;

import dev.come.FailedException;
import dev.come.UsageException;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.IoReason;
import dev.come.run.ModelRecipe;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkFiles;

/**
 * The files of a model that go to executors with Spark's own files. Those lie in one folder under their own names, and a file that is
 * a link, as in the hub's cache, under the name of its target.
 */
final class ShippedModel {
    private ShippedModel() {
    }

    /**
     * Has executors fetch the files of a model before they do anything else.
     *
     * @return what a file of the model is called among Spark's files
     */
    static Map<String, String> send(SparkContext spark, Checkpoint checkpoint) {
        Map<String, String> sent = new TreeMap<>();
        try (Stream<Path> files = Files.list(checkpoint.folder())) {
            for (Path file : files.filter(ShippedModel::isOfAModel).sorted().toList()) {
                Path real = file.toRealPath();
                spark.addFile(real.toString());
                sent.put(String.valueOf(file.getFileName()), String.valueOf(real.getFileName()));
            }
        } catch (IOException e) {
            throw new FailedException("--ship-model: the files of " + checkpoint.folder() + " cannot be sent ("
                    + IoReason.of(e) + ")", e);
        } catch (IllegalArgumentException _) { // Spark has another file of that name
            throw new UsageException("--ship-model sends one model, but " + checkpoint.folder()
                    + " is a second one; put both on every machine and leave it out");
        }
        return sent;
    }

    private static boolean isOfAModel(Path file) {
        String name = String.valueOf(file.getFileName());
        return Files.isRegularFile(file) && (name.endsWith(".safetensors") || name.endsWith(".json"));
    }

    /**
     * The same model on this executor.
     *
     * @param sent what {@link #send} gave
     * @param localFolder where a folder for it may be made
     */
    static ModelRecipe here(ModelRecipe model, Map<String, String> sent, Path localFolder) {
        Path folder = localFolder.resolve("model-" + model.fingerprint());
        try {
            Files.createDirectories(folder);
            for (Map.Entry<String, String> file : sent.entrySet()) {
                Path link = folder.resolve(file.getKey());
                if (!Files.exists(link)) {
                    Files.createSymbolicLink(link, Path.of(SparkFiles.get(file.getValue())).toAbsolutePath());
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new ModelRecipe(folder.toString(), model.fingerprint(), model.type(), model.engine(),
                model.instructions());
    }
}
