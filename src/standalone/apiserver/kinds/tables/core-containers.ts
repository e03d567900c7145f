/** Containers of core/v1: what runs, with its ports, environment, mounts, probes and states. Notation: see ../schema/notation.ts. */
export const CORE_CONTAINERS = `
ConfigMapEnvSource
 ...LocalObjectReference 1
 optional 2 bool?
ConfigMapKeySelector atomic
 ...LocalObjectReference 1
 key 2 string! =""
 optional 3 bool?
Container
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
ContainerExtendedResourceRequest
 containerName 1 string! =""
 resourceName 2 string! =""
 requestName 3 string! =""
ContainerPort
 name 1 string
 hostPort 2 int32
 containerPort 3 int32! =0
 protocol 4 string ="TCP"
 hostIP 5 string
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
 state 2 ContainerState ={}
 lastState 3 ContainerState ={}
 ready 4 bool! =false
 restartCount 5 int32! =0
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
EnvVar
 name 1 string! =""
 value 2 string
 valueFrom 3 EnvVarSource
EnvVarSource
 fieldRef 1 ObjectFieldSelector
 resourceFieldRef 2 ResourceFieldSelector
 configMapKeyRef 3 ConfigMapKeySelector
 secretKeyRef 4 SecretKeySelector
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
 command 1 []string list=atomic
FileKeySelector atomic
 volumeName 1 string! =""
 path 2 string! =""
 key 3 string! =""
 optional 4 bool? =false
GRPCAction
 port 1 int32! =0
 service 2 string? =""
HTTPGetAction
 path 1 string
 port 2 intOrString!
 host 3 string
 scheme 4 string
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
Probe
 ...ProbeHandler 1
 initialDelaySeconds 2 int32
 timeoutSeconds 3 int32
 periodSeconds 4 int32
 successThreshold 5 int32
 failureThreshold 6 int32
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
 limits 1 {}quantity
 requests 2 {}quantity
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
 port 1 intOrString!
 host 2 string
VolumeDevice
 name 1 string! =""
 devicePath 2 string! =""
VolumeMount
 name 1 string! =""
 readOnly 2 bool
 mountPath 3 string! =""
 subPath 4 string
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
