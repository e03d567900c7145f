/** Containers of core/v1: what runs, with its ports, environment, mounts, probes and states. Notation: see ../schema/notation.ts. */
export const CORE_CONTAINERS = `
ConfigMapEnvSource
 ...LocalObjectReference 1
 optional 2 bool?
ConfigMapKeySelector atomic
 ...LocalObjectReference 1
 key 2 string! =""
 optional 3 bool?
Container | One program of a pod.
 name 1 string! ="" | Name of the container, unique in the pod.
 image 2 string | Image that it runs.
 command 3 []string list=atomic | Program to run instead of the image's own.
 args 4 []string list=atomic | Arguments of the program.
 workingDir 5 string | Directory that it starts in.
 ports 6 []ContainerPort list=map(containerPort,protocol) patch=merge(containerPort) | Ports that it listens on; for people, and for names.
 env 7 []EnvVar list=map(name) patch=merge(name) | Environment variables.
 resources 8 ResourceRequirements ={} | What it needs, and may use at most.
 volumeMounts 9 []VolumeMount list=map(mountPath) patch=merge(mountPath) | Where volumes appear in its files.
 livenessProbe 10 Probe | A check; the container is started again when it fails.
 readinessProbe 11 Probe | A check; the pod gets no traffic while it fails.
 lifecycle 12 Lifecycle | What runs after the start and before the end.
 terminationMessagePath 13 string | File that says why the container ended.
 imagePullPolicy 14 string | Always, IfNotPresent or Never.
 securityContext 15 SecurityContext | User, capabilities and more for this container.
 stdin 16 bool | Whether it has an input.
 stdinOnce 17 bool | Whether the input ends with the first that was attached.
 tty 18 bool | Whether it has a terminal.
 envFrom 19 []EnvFromSource list=atomic | Environment variables from whole ConfigMaps and Secrets.
 terminationMessagePolicy 20 string | File, or the end of the log when there is no such file.
 volumeDevices 21 []VolumeDevice list=map(devicePath) patch=merge(devicePath)
 startupProbe 22 Probe | A check that comes before the others, until it has passed once.
 resizePolicy 23 []ContainerResizePolicy list=atomic
 restartPolicy 24 string? | For init containers: Always makes it run beside the pod's containers.
 restartPolicyRules 25 []ContainerRestartRule list=atomic
ContainerExtendedResourceRequest
 containerName 1 string! =""
 resourceName 2 string! =""
 requestName 3 string! =""
ContainerPort | A port that a container listens on.
 name 1 string | Name of the port, for services and probes.
 hostPort 2 int32 | Port of the node that leads to it.
 containerPort 3 int32! =0 | Number of the port, 1 to 65535.
 protocol 4 string ="TCP" | TCP, UDP or SCTP.
 hostIP 5 string | Address of the node for the host port.
ContainerResizePolicy
 resourceName 1 string! =""
 restartPolicy 2 string! =""
ContainerRestartRule
 action 1 string!
 exitCodes 2 ContainerRestartRuleOnExitCodes
ContainerRestartRuleOnExitCodes
 operator 1 string!
 values 2 []int32 list=set
ContainerState
 waiting 1 ContainerStateWaiting
 running 2 ContainerStateRunning
 terminated 3 ContainerStateTerminated
ContainerStateRunning
 startedAt 1 time
ContainerStateTerminated
 exitCode 1 int32! =0
 signal 2 int32
 reason 3 string
 message 4 string
 startedAt 5 time
 finishedAt 6 time
 containerID 7 string
ContainerStateWaiting
 reason 1 string
 message 2 string
ContainerStatus
 name 1 string! =""
 state 2 ContainerState ={} | Whether it waits, runs or has ended.
 lastState 3 ContainerState ={} | How it ended the last time.
 ready 4 bool! =false | Whether its readiness probe passes.
 restartCount 5 int32! =0 | How often it was started again.
 image 6 string! =""
 imageID 7 string! =""
 containerID 8 string
 started 9 bool?
 allocatedResources 10 {}quantity
 resources 11 ResourceRequirements
 volumeMounts 12 []VolumeMountStatus list=map(mountPath) patch=merge(mountPath)
 user 13 ContainerUser
 allocatedResourcesStatus 14 []ResourceStatus list=map(name) patch=merge(name)
 stopSignal 15 string?
ContainerUser
 linux 1 LinuxContainerUser
EnvFromSource
 prefix 1 string
 configMapRef 2 ConfigMapEnvSource
 secretRef 3 SecretEnvSource
EnvVar | An environment variable.
 name 1 string! ="" | Name of the variable.
 value 2 string | Its value; $(OTHER) stands for another variable.
 valueFrom 3 EnvVarSource | Where its value comes from.
EnvVarSource
 fieldRef 1 ObjectFieldSelector | A field of the pod, as metadata.name or status.podIP.
 resourceFieldRef 2 ResourceFieldSelector | A request or limit of a container.
 configMapKeyRef 3 ConfigMapKeySelector | A key of a ConfigMap.
 secretKeyRef 4 SecretKeySelector | A key of a Secret.
 fileKeyRef 5 FileKeySelector
EphemeralContainer
 ...EphemeralContainerCommon 1
 targetContainerName 2 string
EphemeralContainerCommon inline
 name 1 string! =""
 image 2 string
 command 3 []string list=atomic
 args 4 []string list=atomic
 workingDir 5 string
 ports 6 []ContainerPort list=map(containerPort,protocol) patch=merge(containerPort)
 env 7 []EnvVar list=map(name) patch=merge(name)
 resources 8 ResourceRequirements ={}
 volumeMounts 9 []VolumeMount list=map(mountPath) patch=merge(mountPath)
 livenessProbe 10 Probe
 readinessProbe 11 Probe
 lifecycle 12 Lifecycle
 terminationMessagePath 13 string
 imagePullPolicy 14 string
 securityContext 15 SecurityContext
 stdin 16 bool
 stdinOnce 17 bool
 tty 18 bool
 envFrom 19 []EnvFromSource list=atomic
 terminationMessagePolicy 20 string
 volumeDevices 21 []VolumeDevice list=map(devicePath) patch=merge(devicePath)
 startupProbe 22 Probe
 resizePolicy 23 []ContainerResizePolicy list=atomic
 restartPolicy 24 string?
 restartPolicyRules 25 []ContainerRestartRule list=atomic
ExecAction
 command 1 []string list=atomic | Program and arguments; no shell.
FileKeySelector atomic
 volumeName 1 string! =""
 path 2 string! =""
 key 3 string! =""
 optional 4 bool? =false
GRPCAction
 port 1 int32! =0
 service 2 string? =""
HTTPGetAction
 path 1 string | Path to ask for.
 port 2 intOrString! | Port by number or name.
 host 3 string | Host to connect to; else the pod's address.
 scheme 4 string | HTTP or HTTPS.
 httpHeaders 5 []HTTPHeader list=atomic
HTTPHeader
 name 1 string! =""
 value 2 string! =""
Lifecycle
 postStart 1 LifecycleHandler
 preStop 2 LifecycleHandler
 stopSignal 3 string?
LifecycleHandler
 exec 1 ExecAction
 httpGet 2 HTTPGetAction
 tcpSocket 3 TCPSocketAction
 sleep 4 SleepAction
ObjectFieldSelector atomic
 apiVersion 1 string
 fieldPath 2 string! =""
Probe | A check of a container, made again and again.
 ...ProbeHandler 1
 initialDelaySeconds 2 int32 | Seconds from the start to the first check.
 timeoutSeconds 3 int32 | Seconds that a check may take.
 periodSeconds 4 int32 | Seconds between checks.
 successThreshold 5 int32 | Passes in a row that count as success.
 failureThreshold 6 int32 | Failures in a row that count as failure.
 terminationGracePeriodSeconds 7 int64?
ProbeHandler inline
 exec 1 ExecAction
 httpGet 2 HTTPGetAction
 tcpSocket 3 TCPSocketAction
 grpc 4 GRPCAction
ResourceClaim
 name 1 string! =""
 request 2 string
ResourceFieldSelector atomic
 containerName 1 string
 resource 2 string! =""
 divisor 3 quantity
ResourceHealth
 resourceID 1 string! =""
 health 2 string
 message 6 string?
ResourceRequirements
 limits 1 {}quantity | At most so much of each resource.
 requests 2 {}quantity | At least so much of each resource.
 claims 3 []ResourceClaim list=map(name)
ResourceStatus
 name 1 string! =""
 resources 2 []ResourceHealth list=map(resourceID)
SecretEnvSource
 ...LocalObjectReference 1
 optional 2 bool?
SecretKeySelector atomic
 ...LocalObjectReference 1
 key 2 string! =""
 optional 3 bool?
SleepAction
 seconds 1 int64! =0
TCPSocketAction
 port 1 intOrString! | Port by number or name.
 host 2 string
VolumeDevice
 name 1 string! =""
 devicePath 2 string! =""
VolumeMount
 name 1 string! ="" | Name of the volume.
 readOnly 2 bool | Whether it cannot be written.
 mountPath 3 string! ="" | Where it appears in the container.
 subPath 4 string | Part of the volume to mount.
 mountPropagation 5 string?
 subPathExpr 6 string
 recursiveReadOnly 7 string?
VolumeMountStatus
 name 1 string! =""
 mountPath 2 string! =""
 readOnly 3 bool
 recursiveReadOnly 4 string?
 volumeStatus 5 VolumeStatus
`;
