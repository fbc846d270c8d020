package dev.come.run;

import dev.come.FailedException;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.DType;
import dev.come.model.Compute;
import dev.come.model.Engine;
import dev.come.model.UsualNames;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Everything that is needed to compute the same with a model on any machine. The engine and its instructions change bits, so they
 * are part of it.
 *
 * @param folder of the model, which every machine has
 * @param fingerprint of that model
 * @param type what is computed in
 * @param engine the release of the tensor engine
 * @param instructions the vector instructions that it uses
 */
public record ModelRecipe(String folder, String fingerprint, DType type, String engine, String instructions)
        implements
            Serializable {
    /** Of a model that is open here. */
    public static ModelRecipe of(Checkpoint checkpoint, Compute compute) {
        return new ModelRecipe(checkpoint.folder().toAbsolutePath().toString(), checkpoint.fingerprint(),
                compute.type(), Engine.version(), Engine.instructions());
    }

    /**
     * Opens the model on this machine.
     *
     * @throws FailedException if it is not there, is another one, or would be computed otherwise here
     */
    public Checkpoint open() {
        same("tensor engine", engine, Engine.version(), "install the same release of CoMe everywhere");
        same("instruction set", instructions, Engine.instructions(),
                "results depend on it; take machines of one kind, or set ATEN_CPU_CAPABILITY to what all have, everywhere");
        Path here = Path.of(folder);
        if (!Files.isDirectory(here)) {
            throw new FailedException("There is no model at " + folder
                    + "; every machine needs the model at the same place");
        }
        Checkpoint checkpoint = UsualNames.open(here);
        try {
            same("model at " + folder, fingerprint, checkpoint.fingerprint(), "copy the same files everywhere");
        } catch (FailedException e) {
            checkpoint.close();
            throw e;
        }
        return checkpoint;
    }

    private static void same(String what, String expected, String found, String advice) {
        if (!expected.equals(found)) {
            throw new FailedException("The " + what + " is another one: " + found + " where " + expected
                    + " is expected; " + advice);
        }
    }
}
