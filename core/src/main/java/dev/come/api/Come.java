package dev.come.api;

import dev.come.demo.DemoFolder;
import java.nio.file.Path;

/**
 * Where a program begins.
 *
 * <pre>{@code
 * PrunedModel small = Come.prune(Path.of("smollm2")).method("sleb").layers(21).calibrateOn("wiki2")
 *         .saveTo(Path.of("small")).onStep(step -> System.out.println(step.layersLeft())).run();
 * }</pre>
 *
 * <p>Each method here begins a description of what is wanted, and {@code run()} does it. Names, and what holds where nothing is
 * said, are those of the command line. A model is a folder, a GGUF file, or a name OWNER/NAME on the Hugging Face hub, from
 * where it is downloaded.
 *
 * <p>Every failure is a {@link dev.come.ComeException} with one sentence. A run ends soon after its thread is interrupted, in a
 * {@link dev.come.InterruptedRunException}. The same run then goes on from there. A description is for one thread; several runs
 * may go on at once, each in a thread of its own, but not into the same folder.
 *
 * <p>The first run settles for the whole process what native libraries need: one thread for BLAS, and what the allocator of the
 * C library keeps. The variables OPENBLAS_NUM_THREADS and MALLOC_MMAP_THRESHOLD_ win where they are set.
 */
public final class Come {
    private Come() {
    }

    /**
     * Makes a model smaller.
     *
     * @param model the folder of the dense model, or its GGUF file
     */
    public static Prune prune(Path model) {
        return prune(model.toString());
    }

    /**
     * Makes a model smaller.
     *
     * @param model a path, or a name OWNER/NAME on the hub
     */
    public static Prune prune(String model) {
        return new Prune(model);
    }

    /**
     * Refits the layers of a pruned model to the dense model, in closed form.
     *
     * @param pruned the folder of the pruned model, with its come.json
     * @param teacher the folder of the dense model that it was made from
     */
    public static Heal heal(Path pruned, Path teacher) {
        return heal(pruned.toString(), teacher.toString());
    }

    /**
     * The same with paths, or names OWNER/NAME on the hub.
     *
     * @param pruned the pruned model
     * @param teacher the dense model that it was made from
     */
    public static Heal heal(String pruned, String teacher) {
        return new Heal(pruned, teacher);
    }

    /**
     * Trains the layers of a pruned model to do what those did that they stand for.
     *
     * @param pruned the folder of the pruned model, with its come.json
     * @param teacher the folder of the dense model that it was made from
     */
    public static Distill distill(Path pruned, Path teacher) {
        return distill(pruned.toString(), teacher.toString());
    }

    /**
     * The same with paths, or names OWNER/NAME on the hub.
     *
     * @param pruned the pruned model
     * @param teacher the dense model that it was made from
     */
    public static Distill distill(String pruned, String teacher) {
        return new Distill(pruned, teacher);
    }

    /**
     * Heals a pruned model in closed form, and then trains the whole of it, by a recipe.
     *
     * @param pruned the folder of the pruned model, with its come.json
     * @param teacher the folder of the dense model that it was made from
     */
    public static Recover recover(Path pruned, Path teacher) {
        return recover(pruned.toString(), teacher.toString());
    }

    /**
     * The same with paths, or names OWNER/NAME on the hub.
     *
     * @param pruned the pruned model
     * @param teacher the dense model that it was made from
     */
    public static Recover recover(String pruned, String teacher) {
        return new Recover(pruned, teacher);
    }

    /**
     * Has a model write text, on which another can be trained.
     *
     * @param teacher the folder of the model, or its GGUF file
     */
    public static Write write(Path teacher) {
        return write(teacher.toString());
    }

    /**
     * Has a model write text, on which another can be trained.
     *
     * @param teacher a path, or a name OWNER/NAME on the hub
     */
    public static Write write(String teacher) {
        return new Write(teacher);
    }

    /**
     * Measures a model on tasks and texts.
     *
     * @param model the folder of the model, or its GGUF file
     */
    public static Eval eval(Path model) {
        return eval(model.toString());
    }

    /**
     * Measures a model on tasks and texts.
     *
     * @param model a path, or a name OWNER/NAME on the hub
     */
    public static Eval eval(String model) {
        return new Eval(model);
    }

    /**
     * Times a model.
     *
     * @param model the folder of the model, or its GGUF file
     */
    public static Latency latency(Path model) {
        return latency(model.toString());
    }

    /**
     * Times a model.
     *
     * @param model a path, or a name OWNER/NAME on the hub
     */
    public static Latency latency(String model) {
        return new Latency(model);
    }

    /**
     * Tells what a model is, from its headers.
     *
     * @param model the folder of the model, or its GGUF file
     */
    public static Inspect inspect(Path model) {
        return inspect(model.toString());
    }

    /**
     * Tells what a model is, from its headers.
     *
     * @param model a path, or a name OWNER/NAME on the hub
     */
    public static Inspect inspect(String model) {
        return new Inspect(model);
    }

    /**
     * Writes a model as a GGUF file, which llama.cpp and its kin run.
     *
     * @param model the folder of the model
     */
    public static Export export(Path model) {
        return export(model.toString());
    }

    /**
     * Writes a model as a GGUF file, which llama.cpp and its kin run.
     *
     * @param model a path, or a name OWNER/NAME on the hub
     */
    public static Export export(String model) {
        return new Export(model);
    }

    /**
     * Brings a model to the Hugging Face hub.
     *
     * @param folder the folder of the model
     * @param name OWNER/NAME there
     */
    public static Push push(Path folder, String name) {
        return new Push(folder, name);
    }

    /**
     * Writes a small model that is part of this library, and texts for it, to try things out without any download.
     *
     * @param folder the folder to make, or one that was made so before
     * @throws dev.come.UsageException if something else is in the way there
     * @throws dev.come.FailedException if the folder cannot be written
     */
    public static Demo demo(Path folder) {
        return Wording.job(() -> {
            DemoFolder made = new DemoFolder(folder);
            made.write();
            return new Demo(made.dense(), made.calibrationText(), made.testText());
        });
    }

    /**
     * A small model with texts for it.
     *
     * @param model a Llama of 10 layers that writes stories
     * @param calibrationText stories to measure layers on
     * @param testText stories to measure perplexity on
     */
    public record Demo(Path model, Path calibrationText, Path testText) {}
}
