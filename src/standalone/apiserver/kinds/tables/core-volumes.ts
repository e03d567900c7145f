/** Volumes and their sources of core/v1. Notation: see ../schema/notation.ts. */
export const CORE_VOLUMES = `
AWSElasticBlockStoreVolumeSource
 volumeID 1 string! =""
 fsType 2 string
 partition 3 int32
 readOnly 4 bool
AzureDiskVolumeSource
 diskName 1 string! =""
 diskURI 2 string! =""
 cachingMode 3 string? ="ReadWrite"
 fsType 4 string? ="ext4"
 readOnly 5 bool? =false
 kind 6 string? ="Shared"
AzureFileVolumeSource
 secretName 1 string! =""
 shareName 2 string! =""
 readOnly 3 bool
CSIVolumeSource
 driver 1 string! =""
 readOnly 2 bool?
 fsType 3 string?
 volumeAttributes 4 {}string
 nodePublishSecretRef 5 LocalObjectReference
CephFSVolumeSource
 monitors 1 []string! list=atomic
 path 2 string
 user 3 string
 secretFile 4 string
 secretRef 5 LocalObjectReference
 readOnly 6 bool
CinderVolumeSource
 volumeID 1 string! =""
 fsType 2 string
 readOnly 3 bool
 secretRef 4 LocalObjectReference
ClusterTrustBundleProjection
 name 1 string?
 signerName 2 string?
 labelSelector 3 meta.LabelSelector
 path 4 string! =""
 optional 5 bool?
ConfigMapProjection
 ...LocalObjectReference 1
 items 2 []KeyToPath list=atomic
 optional 4 bool?
ConfigMapVolumeSource
 ...LocalObjectReference 1
 items 2 []KeyToPath list=atomic
 defaultMode 3 int32?
 optional 4 bool?
DownwardAPIProjection
 items 1 []DownwardAPIVolumeFile list=atomic
DownwardAPIVolumeFile
 path 1 string! =""
 fieldRef 2 ObjectFieldSelector
 resourceFieldRef 3 ResourceFieldSelector
 mode 4 int32?
DownwardAPIVolumeSource
 items 1 []DownwardAPIVolumeFile list=atomic
 defaultMode 2 int32?
EmptyDirVolumeSource
 medium 1 string
 sizeLimit 2 quantity
EphemeralVolumeSource
 volumeClaimTemplate 1 PersistentVolumeClaimTemplate
FCVolumeSource
 targetWWNs 1 []string list=atomic
 lun 2 int32?
 fsType 3 string
 readOnly 4 bool
 wwids 5 []string list=atomic
FlexVolumeSource
 driver 1 string! =""
 fsType 2 string
 secretRef 3 LocalObjectReference
 readOnly 4 bool
 options 5 {}string
FlockerVolumeSource
 datasetName 1 string
 datasetUUID 2 string
GCEPersistentDiskVolumeSource
 pdName 1 string! =""
 fsType 2 string
 partition 3 int32
 readOnly 4 bool
GitRepoVolumeSource
 repository 1 string! =""
 revision 2 string
 directory 3 string
GlusterfsVolumeSource
 endpoints 1 string! =""
 path 2 string! =""
 readOnly 3 bool
HostPathVolumeSource
 path 1 string! =""
 type 2 string?
ISCSIVolumeSource
 targetPortal 1 string! =""
 iqn 2 string! =""
 lun 3 int32! =0
 iscsiInterface 4 string ="default"
 fsType 5 string
 readOnly 6 bool
 portals 7 []string list=atomic
 chapAuthDiscovery 8 bool
 secretRef 10 LocalObjectReference
 chapAuthSession 11 bool
 initiatorName 12 string?
ImageVolumeSource
 reference 1 string
 pullPolicy 2 string
KeyToPath
 key 1 string! =""
 path 2 string! =""
 mode 3 int32?
NFSVolumeSource
 server 1 string! =""
 path 2 string! =""
 readOnly 3 bool
PhotonPersistentDiskVolumeSource
 pdID 1 string! =""
 fsType 2 string
PodCertificateProjection
 signerName 1 string!
 keyType 2 string!
 maxExpirationSeconds 3 int32?
 credentialBundlePath 4 string
 keyPath 5 string
 certificateChainPath 6 string
 userAnnotations 7 {}string
PortworxVolumeSource
 volumeID 1 string! =""
 fsType 2 string
 readOnly 3 bool
ProjectedVolumeSource
 sources 1 []VolumeProjection list=atomic
 defaultMode 2 int32?
QuobyteVolumeSource
 registry 1 string! =""
 volume 2 string! =""
 readOnly 3 bool
 user 4 string
 group 5 string
 tenant 6 string
RBDVolumeSource
 monitors 1 []string! list=atomic
 image 2 string! =""
 fsType 3 string
 pool 4 string ="rbd"
 user 5 string ="admin"
 keyring 6 string ="/etc/ceph/keyring"
 secretRef 7 LocalObjectReference
 readOnly 8 bool
ScaleIOVolumeSource
 gateway 1 string! =""
 system 2 string! =""
 secretRef 3 LocalObjectReference!
 sslEnabled 4 bool
 protectionDomain 5 string
 storagePool 6 string
 storageMode 7 string ="ThinProvisioned"
 volumeName 8 string
 fsType 9 string ="xfs"
 readOnly 10 bool
SecretProjection
 ...LocalObjectReference 1
 items 2 []KeyToPath list=atomic
 optional 4 bool?
SecretVolumeSource
 secretName 1 string
 items 2 []KeyToPath list=atomic
 defaultMode 3 int32?
 optional 4 bool?
ServiceAccountTokenProjection
 audience 1 string
 expirationSeconds 2 int64?
 path 3 string! =""
StorageOSVolumeSource
 volumeName 1 string
 volumeNamespace 2 string
 fsType 3 string
 readOnly 4 bool
 secretRef 5 LocalObjectReference
Volume | Files that a pod's containers share.
 name 1 string! ="" | Name of the volume, unique in the pod.
 ...VolumeSource 2
VolumeProjection
 secret 1 SecretProjection
 downwardAPI 2 DownwardAPIProjection
 configMap 3 ConfigMapProjection
 serviceAccountToken 4 ServiceAccountTokenProjection
 clusterTrustBundle 5 ClusterTrustBundleProjection
 podCertificate 6 PodCertificateProjection
VolumeSource inline
 hostPath 1 HostPathVolumeSource | A file or directory of the node.
 emptyDir 2 EmptyDirVolumeSource | An empty directory that lives as long as the pod.
 gcePersistentDisk 3 GCEPersistentDiskVolumeSource
 awsElasticBlockStore 4 AWSElasticBlockStoreVolumeSource
 gitRepo 5 GitRepoVolumeSource
 secret 6 SecretVolumeSource | A Secret, a file for each key.
 nfs 7 NFSVolumeSource
 iscsi 8 ISCSIVolumeSource
 glusterfs 9 GlusterfsVolumeSource
 persistentVolumeClaim 10 PersistentVolumeClaimVolumeSource | A claim on storage.
 rbd 11 RBDVolumeSource
 flexVolume 12 FlexVolumeSource
 cinder 13 CinderVolumeSource
 cephfs 14 CephFSVolumeSource
 flocker 15 FlockerVolumeSource
 downwardAPI 16 DownwardAPIVolumeSource | Fields of the pod, as files.
 fc 17 FCVolumeSource
 azureFile 18 AzureFileVolumeSource
 configMap 19 ConfigMapVolumeSource | A ConfigMap, a file for each key.
 vsphereVolume 20 VsphereVirtualDiskVolumeSource
 quobyte 21 QuobyteVolumeSource
 azureDisk 22 AzureDiskVolumeSource
 photonPersistentDisk 23 PhotonPersistentDiskVolumeSource
 portworxVolume 24 PortworxVolumeSource
 scaleIO 25 ScaleIOVolumeSource
 projected 26 ProjectedVolumeSource | Several sources in one directory.
 storageos 27 StorageOSVolumeSource
 csi 28 CSIVolumeSource
 ephemeral 29 EphemeralVolumeSource
 image 30 ImageVolumeSource
VsphereVirtualDiskVolumeSource
 volumePath 1 string! =""
 fsType 2 string
 storagePolicyName 3 string
 storagePolicyID 4 string
`;
