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
import java.util.List;
import java.util.stream.Stream;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkFiles;

/** The files of a model that go to executors with Spark's own files, which lie in one folder under their own names. */
final class ShippedModel {
    private ShippedModel() {
    }

    /** Has executors fetch the files of a model before they do anything else. */
    static void send(SparkContext spark, Checkpoint checkpoint) {
        try {
            for (Path file : files(checkpoint.folder())) {
                spark.addFile(file.toString());
            }
        } catch (IOException e) {
            throw new FailedException("--ship-model: the files of " + checkpoint.folder() + " cannot be sent ("
                    + IoReason.of(e) + ")", e);
        } catch (IllegalArgumentException _) { // Spark has another file of that name
            throw new UsageException("--ship-model sends one model, but " + checkpoint.folder()
                    + " is a second one; put both on every machine and leave it out");
        }
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(ShippedModel::isOfAModel).sorted().toList();
        }
    }

    private static boolean isOfAModel(Path file) {
        String name = String.valueOf(file.getFileName());
        return Files.isRegularFile(file) && (name.endsWith(".safetensors") || name.endsWith(".json"));
    }

    /**
     * The same model on this executor.
     *
     * @param localFolder where a folder for it may be made
     */
    static ModelRecipe here(ModelRecipe model, Path localFolder) {
        Path folder = localFolder.resolve("model-" + model.fingerprint());
        try {
            Files.createDirectories(folder);
            for (Path file : files(Path.of(SparkFiles.getRootDirectory()))) {
                Path link = folder.resolve(String.valueOf(file.getFileName()));
                if (!Files.exists(link)) {
                    Files.createSymbolicLink(link, file.toAbsolutePath());
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new ModelRecipe(folder.toString(), model.fingerprint(), model.type(), model.engine(),
                model.instructions());
    }
}
