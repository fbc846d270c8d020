package dev.come.evaluate;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * SmolLM2-135M-Instruct with the weights that the golden values were computed with. It is too large for the project: the system
 * property or environment variable COME_SMOLLM2 names its folder, and without it the tests that need it are skipped.
 */
public final class SmolModel {
    private static final String WEIGHTS = "7ef915c9bf9d94d8d70211970476878352a5b95855c589ae987916d7a455242b";
    private static final String TOKENIZER = "bf346d64f6f0fbcefb4c1b6928a98241467dff36c6fbae5fe1785c4ff90667f4";

    private SmolModel() {
    }

    /** Its folder. */
    public static Path folder() {
        String named = System.getProperty("come.smollm2", System.getenv().getOrDefault("COME_SMOLLM2", ""));
        boolean right = !named.isEmpty() && sha256(Path.of(named, "tokenizer.json")).equals(TOKENIZER)
                && sha256(Path.of(named, "model.safetensors")).equals(WEIGHTS);
        String reason = "COME_SMOLLM2 names no folder with the SmolLM2 that the golden values are for";
        if (!right) {
            System.out.println("skipped: " + reason);
        }
        assumeTrue(right, reason);
        return Path.of(named);
    }

    private static String sha256(Path file) {
        if (!Files.exists(file)) {
            return "";
        }
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
        } catch (IOException | NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
