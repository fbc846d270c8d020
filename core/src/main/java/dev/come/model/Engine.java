package dev.come.model;

import dev.come.failure.NativeFolder;
import dev.come.memory.NativeSettings;
import java.net.URL;
import java.util.Optional;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.pytorch.global.torch;

/** The tensor engine that all tensors are computed with. */
public final class Engine {
    private Engine() {
    }

    /** What its first use will unpack, as a sentence; nothing if an earlier run did that. Does not load the engine. */
    public static Optional<String> firstUse() {
        URL natives = torch.class.getResource("/org/bytedeco/pytorch/" + Loader.getPlatform() + "/");
        if (natives == null || !natives.getProtocol().equals("jar")) {
            return Optional.empty();
        }
        String jar = natives.getPath().substring(0, natives.getPath().indexOf("!/"));
        return NativeFolder.ENGINE.firstUse(jar.substring(jar.lastIndexOf('/') + 1));
    }

    /**
     * The vector instructions that the engine uses here, such as AVX512.
     *
     * @throws LinkageError if the engine cannot be loaded
     */
    public static String instructions() {
        NativeSettings.apply();
        return torch.get_cpu_capability().getString();
    }

    /** The release of the engine with that of its binding; "unknown" where it does not come from a jar. */
    public static String version() {
        String version = torch.class.getPackage().getImplementationVersion();
        return version == null ? "unknown" : version;
    }

    /** The number of CUDA devices. */
    public static int devices() {
        NativeSettings.apply();
        return torch.cuda_is_available() ? torch.cuda_device_count() : 0;
    }
}
